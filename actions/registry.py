"""The closed registry of handlers, one per kind of deferred action.

An app declares its handlers with ``@handles`` in its ``handlers.py``, which ``ActionsConfig.ready`` imports; the relay
looks them up. Knows no handler and no app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from actions.kinds import DeferredAction, PayloadTime
from tenants.models import Tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One action as its handler receives it; ``id`` is stable over all attempts, ``attempt`` counts from 1.

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


#: The lane of kinds that the relay itself runs.
RELAY: Final = "relay"
#: Runs in the tenant's scope and outside any transaction, at least once: it must be idempotent by ``id`` or version.
Handler: TypeAlias = Callable[[Delivered], None]
#: Does the work of a ``Handler`` for actions of one kind and one tenant at once, all or nothing.
ManyHandler: TypeAlias = Callable[[Sequence[Delivered]], None]


class PermanentFailure(Exception):
    """The action can never succeed: it becomes a dead letter at once. ``reason`` is a sentence without values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RetryAfter(Exception):
    """The action must be retried in ``seconds``; ``reason`` is a sentence without values.

    Unless it ``counts``, the attempt is not taken from the budget: the action came too early, nothing failed.
    """

    def __init__(self, seconds: float, reason: str, *, counts: bool = True) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason
        self.counts = counts


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
    """The retries of a failing action: ``tries`` attempts, with waits that double from ``first`` seconds up to
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
    """One registered kind: its class, its handler, its budget, and the lane whose workers run it.

    ``many`` runs several of its actions at once. Where it fails, ``handler`` runs them one by one.
    """

    kind: type[DeferredAction]
    handler: Handler
    budget: Budget
    lane: str = RELAY
    many: ManyHandler | None = None

    @property
    def is_fresh(self) -> bool:
        """Return whether the payload is read at the run, so that the latest of several actions replaces the others."""
        return self.kind.payload_time is PayloadTime.FRESH


class Registry:
    """Kinds and their handlers."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: dict[str, Entry] = {}

    def register(  # noqa: PLR0913 - each is named at the call
        self,
        kind: type[DeferredAction],
        handler: Handler,
        *,
        many: ManyHandler | None = None,
        budget: Budget | None = None,
        lane: str = RELAY,
    ) -> None:
        """Register ``handler`` for ``kind``, and ``many`` for several at once, retried within ``budget``. Raises
        ``RegisteredTwice``.

        Actions of another ``lane`` than the relay's are claimed by that lane's own workers.
        """
        if kind.kind in self._entries:
            raise RegisteredTwice(kind.kind)
        self._entries[kind.kind] = Entry(kind=kind, handler=handler, budget=budget or Budget(), lane=lane, many=many)

    def of_lane(self, lane: str) -> list[Entry]:
        """Return the kinds that the workers of ``lane`` run."""
        return [entry for entry in self if entry.lane == lane]

    def lanes_of(self, kinds: Iterable[str]) -> set[str]:
        """Return the lanes of these kinds other than the relay's; unknown kinds have none."""
        return {self._entries[kind].lane for kind in kinds if kind in self._entries} - {RELAY}

    def find(self, kind_name: str) -> Entry:
        """Return the entry of the kind. Raises ``UnknownKind``."""
        try:
            return self._entries[kind_name]
        except KeyError as error:
            raise UnknownKind(kind_name) from error

    def understands(self, kind_name: str, payload_version: int) -> bool:
        """Return whether this process can run such an action; one of a later version waits for an upgrade."""
        entry = self._entries.get(kind_name)
        return entry is not None and payload_version <= entry.kind.payload_version

    def __iter__(self) -> Iterator[Entry]:
        """Yield the registered kinds."""
        return iter(self._entries.values())


#: The registry of this product.
REGISTRY: Final = Registry()


def handles(
    kind: type[DeferredAction], *, many: ManyHandler | None = None, budget: Budget | None = None
) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of ``kind``, and ``many`` for several at once, retried within
    ``budget``.

    Raises ``RegisteredTwice``.
    """

    def register(handler: Handler) -> Handler:
        REGISTRY.register(kind, handler, many=many, budget=budget)
        return handler

    return register


def handler_of(kind_name: str) -> Handler:
    """Return the handler of the kind. Raises ``UnknownKind``."""
    return REGISTRY.find(kind_name).handler
