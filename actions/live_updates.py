"""Publishes live updates to the viewers of a copy: straight from the saving process, after its commit.

The publisher is registered from above when the product starts. An update is a hint: it may be lost, and a viewer who
missed one requests the changes since the last version seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """One committed save, as its viewers receive it.

    ``facts`` returns the changes as plain JSON without sensitive or personal values; it is called only for copies with
    viewers. ``actor`` is type and id; ``sender`` is the socket that the save came from, "" for none.
    """

    tenant_id: UUID
    copy_id: UUID
    version: int
    release: int
    actor: tuple[str, str]
    label: str
    sender: str
    correlation_id: str
    facts: Callable[[], dict[str, Any]]


Publisher = Callable[[Sequence[Saved]], None]


class PublisherRegistered(Exception):
    """A publisher is registered already."""

    def __init__(self) -> None:
        super().__init__("An publisher is registered already; a product has one.")


_registered: Final[list[Publisher]] = []
_sender: Final[ContextVar[str]] = ContextVar("sender", default="")


def register_publisher(publisher: Publisher) -> None:
    """Use ``publisher`` for all live updates. Raises ``PublisherRegistered``."""
    if _registered and _registered[0] is not publisher:
        raise PublisherRegistered
    _registered[:] = [publisher]


def publish(saved: Sequence[Saved]) -> None:
    """Publish committed saves to their viewers; a failure is logged and never fails a save.

    Call it outside of any transaction.
    """
    try:
        for publisher in _registered if saved else ():
            publisher(saved)
    except Exception:
        # The save is committed: an error now would state the opposite.
        log.exception("publishing_failed", copies=len(saved))


@contextmanager
def sent_by(socket_id: str) -> Iterator[None]:
    """Mark saves inside the block as sent by ``socket_id``, so that they are not echoed to it."""
    token = _sender.set(socket_id)
    try:
        yield
    finally:
        _sender.reset(token)


def current_sender() -> str:
    """Return the socket that saves come from now, "" for none."""
    return _sender.get()
