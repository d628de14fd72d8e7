"""The closed registry of handlers, one per kind of deferred action.

An app declares its handlers with ``@handles`` in its ``handlers.py``, which ``ActionsConfig.ready`` imports; the relay
looks them up. Knows no handler and no app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from actions.kinds import DeferredAction, PayloadTime
from tenants.models import Tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One action as its handler gets it; ``id`` stays the same over all attempts, ``attempt`` counts from 1.

    ``copy_id`` and ``version`` are None for actions that come from no save.
    """

    id: UUID
    kind: str
    payload: dict[str, Any]
    payload_version: int
    tenant: Tenant
    copy_id: UUID | None
    version: int | None
    correlation_id: str
    attempt: int
    created_at: datetime


#: Runs with the tenant in scope and outside any transaction, at least once: it is idempotent by ``id`` or version.
Handler: TypeAlias = Callable[[Delivered], None]


class PermanentFailure(Exception):
    """The action can never succeed: it goes to the dead letters at once. ``reason`` is a sentence without values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RetryAfter(Exception):
    """The action is to be tried again in ``seconds``; ``reason`` is a sentence without values."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason


class UnknownKind(Exception):
    """No handler is registered for the kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"No handler is registered for {kind!r}; declare it with @handles in an app's handlers.py.")


class RegisteredTwice(Exception):
    """The kind has a handler already."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind!r} has a handler already; a kind has one.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How long a failing action is tried: ``tries`` attempts, the wait between them doubling from ``first`` seconds to
    ``most``. The default gives up after about eight hours.
    """

    tries: int = 20
    first: float = 1.0
    most: float = 3_600.0

    def wait_after(self, attempt: int) -> float:
        """Return the seconds to wait after the failed ``attempt``, without jitter."""
        return float(min(self.most, self.first * 2 ** min(attempt - 1, 30)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is known of one kind: its class, its handler and its budget."""

    kind: type[DeferredAction]
    handler: Handler
    budget: Budget

    @property
    def is_fresh(self) -> bool:
        """Tell whether the payload is read when it runs, so that the latest of several does for all."""
        return self.kind.payload_time is PayloadTime.FRESH


class Registry:
    """Kinds and their handlers."""

    def __init__(self) -> None:
        """Begin without any."""
        self._entries: dict[str, Entry] = {}

    def register(self, kind: type[DeferredAction], handler: Handler, *, budget: Budget | None = None) -> None:
        """Let ``handler`` run the actions of ``kind``, within ``budget``. Raises ``RegisteredTwice``."""
        if kind.kind in self._entries:
            raise RegisteredTwice(kind.kind)
        self._entries[kind.kind] = Entry(kind=kind, handler=handler, budget=budget or Budget())

    def find(self, kind_name: str) -> Entry:
        """Return what is known of the kind. Raises ``UnknownKind``."""
        try:
            return self._entries[kind_name]
        except KeyError as error:
            raise UnknownKind(kind_name) from error

    def understands(self, kind_name: str, payload_version: int) -> bool:
        """Tell whether this process can run such an action; one of a later version waits for an upgrade."""
        entry = self._entries.get(kind_name)
        return entry is not None and payload_version <= entry.kind.payload_version

    def __iter__(self) -> Iterator[Entry]:
        """Yield what is known of each kind."""
        return iter(self._entries.values())


#: The product's own.
REGISTRY: Final = Registry()


def handles(kind: type[DeferredAction], *, budget: Budget | None = None) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of ``kind``, retried within ``budget``.

    Raises ``RegisteredTwice``.
    """

    def register(handler: Handler) -> Handler:
        REGISTRY.register(kind, handler, budget=budget)
        return handler

    return register


def handler_of(kind_name: str) -> Handler:
    """Return the handler of the kind. Raises ``UnknownKind``."""
    return REGISTRY.find(kind_name).handler
