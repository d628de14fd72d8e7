"""The closed registry of actions that call a carrier, and the steps of such an action.

An action is prepared under the copy's lock, calls the carrier without lock, transaction or database connection, and is
concluded under the lock again (docs/quoting.md). Handlers never lock or save: the dispatcher does, for all actions of a
copy at once. Knows no kind of action.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, TypeVar

from actions.kinds import DeferredAction
from actions.registry import REGISTRY, Budget, Delivered, RegisteredTwice, Registry, UnknownKind
from batch.context import BatchContext
from carriers.links.client import CarrierClient
from carriers.links.errors import CarrierRefused
from carriers.links.link import Link

#: The lane of the kinds that call a carrier.
LANE: Final = "carriers"
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class CarrierCall(Generic[R]):
    """A prepared call: ``make`` gets the client of ``link`` and returns the coroutine of the whole exchange."""

    link: Link
    make: Callable[[CarrierClient], Coroutine[Any, Any, R]]


@dataclass(frozen=True, kw_only=True)
class Delay:
    """An attempt failed, and the next one is made at ``until``; ``attempt`` counts from 1, ``reason`` is a sentence."""

    attempt: int
    until: datetime
    reason: str


class CarrierAction(Generic[R]):
    """The steps of one kind. They change ``context.changeset`` and leave the save to the dispatcher.

    A step may raise ``RetryAfter`` and ``PermanentFailure`` before it has changed anything. It is repeated after a
    crash, so each looks at the state of its record first.
    """

    #: Whether ``prepare`` may change the copy. Without, it gets a context that refuses every write.
    locks_to_prepare: ClassVar[bool] = True
    #: Whether a delay is recorded in the copy, for people to see.
    records_delays: ClassVar[bool] = False

    def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[R] | None:
        """Return the call to make, or None if there is nothing to do."""
        raise NotImplementedError

    def conclude(self, context: BatchContext, action: Delivered, reply: R) -> None:
        """Record the carrier's reply."""

    def refuse(self, context: BatchContext, action: Delivered, error: CarrierRefused) -> None:
        """Record that the carrier refused the request (4xx)."""
        self.give_up(context, action, error.text or str(error))

    def delay(self, context: BatchContext, action: Delivered, delay: Delay) -> None:
        """Record that the carrier could not be called, and when it is called again."""

    def give_up(self, context: BatchContext, action: Delivered, reason: str) -> None:
        """Record that no further attempt is made; ``reason`` is a sentence for people."""


class CarrierActions:
    """Carrier actions by the name of their kind."""

    def __init__(self) -> None:
        """Begin empty."""
        self._actions: dict[str, CarrierAction[Any]] = {}

    def register(self, kind: type[DeferredAction], action: CarrierAction[Any]) -> None:
        """Register ``action``. Raises ``RegisteredTwice``."""
        if kind.kind in self._actions:
            raise RegisteredTwice(kind.kind)
        self._actions[kind.kind] = action

    def find(self, kind_name: str) -> CarrierAction[Any]:
        """Return the action of the kind. Raises ``UnknownKind``."""
        try:
            return self._actions[kind_name]
        except KeyError as error:
            raise UnknownKind(kind_name) from error

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the registered kinds."""
        return iter(self._actions)


#: The carrier actions of this product.
CARRIER_ACTIONS: Final = CarrierActions()


class RunsInItsLane(TypeError):
    """A carrier action was run as a usual one."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind!r} calls a carrier: only the dispatcher runs it (quoting.dispatcher).")


def carrier_action(
    kind: type[DeferredAction],
    *,
    budget: Budget | None = None,
    registry: Registry = REGISTRY,
    actions: CarrierActions = CARRIER_ACTIONS,
) -> Callable[[type[CarrierAction[R]]], type[CarrierAction[R]]]:
    """Register the decorated class for ``kind``, retried within ``budget``. Its payload names the ``copy_id`` and, to
    be bounded with the other calls of that carrier, the ``carrier``. Raises ``RegisteredTwice``.
    """

    def register(action: type[CarrierAction[R]]) -> type[CarrierAction[R]]:
        registry.register(kind, _run_by_relay, budget=budget, lane=LANE)
        actions.register(kind, action())
        return action

    return register


def _run_by_relay(action: Delivered) -> None:
    raise RunsInItsLane(action.kind)
