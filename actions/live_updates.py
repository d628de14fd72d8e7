"""Tells those who look at a copy what was saved: straight from the saving process, after its commit.

Who carries it to them is registered from above when the product starts. What is told is a hint: it may be lost, and
whoever missed one asks for the changes since the version that they know.
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
    """One save that others may want to hear of.

    ``facts`` gives the changes as plain JSON without any sensitive or personal value; it is asked only where somebody
    looks. ``actor`` is type and id; ``sender`` is the socket that the save came from, "" for none.
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


Announcer = Callable[[Sequence[Saved]], None]


class AnnouncerKnown(Exception):
    """There is one announcer, and it is registered already."""

    def __init__(self) -> None:
        super().__init__("An announcer is registered already; a product has one.")


_registered: Final[list[Announcer]] = []
_sender: Final[ContextVar[str]] = ContextVar("sender", default="")


def register(announcer: Announcer) -> None:
    """Let ``announcer`` carry what is saved to those who look. Raises ``AnnouncerKnown``."""
    if _registered and _registered[0] is not announcer:
        raise AnnouncerKnown
    _registered[:] = [announcer]


def announce(saved: Sequence[Saved]) -> None:
    """Tell of saves that are committed; what fails here is logged and never fails a save.

    Call it outside of any transaction.
    """
    try:
        for announcer in _registered if saved else ():
            announcer(saved)
    except Exception:
        # The save is in the database: whatever is wrong with the telling, an error now would say the opposite.
        log.exception("announcing_failed", copies=len(saved))


@contextmanager
def sent_by(socket_id: str) -> Iterator[None]:
    """Note inside the block that saves come from the page or program behind ``socket_id``, which knows of them."""
    token = _sender.set(socket_id)
    try:
        yield
    finally:
        _sender.reset(token)


def current_sender() -> str:
    """Return the socket that saves come from now, "" for none."""
    return _sender.get()
