"""Asks carriers for the state of undecided quote requests, at growing times, and gives up in the end.

Carriers that call back are asked too, slowly, in case a callback is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from actions.registry import Budget, Delivered, PermanentFailure, RetryAfter
from batch.context import BatchContext
from carriers.links.client import CarrierClient
from carriers.links.errors import CarrierRefused
from carriers.links.link import Link, LinkMode
from carriers.links.wire import Quote
from quoting.action_targets import call_context, link_for, request_of
from quoting.carrier_actions import CarrierAction, CarrierCall
from quoting.importing import APPLIED, import_quote

#: Waits are counted as attempts; the time limit ends them long before this.
BUDGET: Final = Budget(tries=30_000, first=5.0, most=600.0)
#: An underwriter decides a referral, whatever the link.
UNDERWRITERS_TIME: Final = timedelta(days=30)
_OPEN: Final = frozenset({"submitted", "estimated", "referred"})
_NOTHING_NEW: Final = "The carrier has nothing new."


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The polls of a link mode: the ``first`` wait in times of the carrier's usual time, at ``least`` so many seconds,
    growing by ``factor`` up to ``most``; given up after ``limit``.
    """

    first: float
    least: float
    factor: float
    most: float
    limit: timedelta

    def wait(self, link: Link, number: int) -> float:
        """Return the seconds before poll ``number``, from 1."""
        first = max(self.least, self.first * link.p50_seconds)
        return float(min(max(self.most, first), first * self.factor ** min(number - 1, 60)))


SCHEDULES: Final[Mapping[LinkMode, Schedule]] = {
    LinkMode.SYNC: Schedule(first=2, least=1.0, factor=1.5, most=300.0, limit=timedelta(days=1)),
    LinkMode.POLL: Schedule(first=1, least=0.2, factor=1.5, most=300.0, limit=timedelta(days=1)),
    LinkMode.CALLBACK: Schedule(first=4, least=30.0, factor=2.0, most=3_600.0, limit=timedelta(days=3)),
    LinkMode.MANUAL: Schedule(first=0, least=20.0, factor=1.5, most=3_600.0, limit=UNDERWRITERS_TIME),
}


class Polled(NamedTuple):
    """What the carrier reports, None if it does not know the quote, and the seconds until it is asked again."""

    quote: Quote | None
    wait: float


class Refreshment(CarrierAction[Polled]):
    """Polls one quote request. Its attempts are the numbers of its waits."""

    locks_to_prepare = False

    def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[Polled] | None:
        """Return the poll, once its time has come; nothing for a request that is decided."""
        request = request_of(context, action)
        row = request.row if request is not None else None
        if row is None or row.state not in _OPEN or row.submitted_at is None:
            return None
        link = link_for(context, row.carrier)
        schedule = SCHEDULES[link.mode]
        if action.attempt == 1:
            raise RetryAfter(schedule.wait(link, 1), "The carrier has its usual time.")
        limit = UNDERWRITERS_TIME if row.state == "referred" else schedule.limit
        if context.save_context.now - row.submitted_at > limit:
            raise PermanentFailure(f"The carrier has not decided in {limit.days} days.")
        called = call_context(action)

        async def make(client: CarrierClient) -> Polled:
            quote = await client.refresh(row.carrier_reference, context=called) if row.carrier_reference else None
            # A carrier that quotes anew may know it under another reference.
            quote = quote or await client.find(row.request_token, context=called)
            return Polled(quote, schedule.wait(link, action.attempt))

        return CarrierCall(link=link, make=make)

    def conclude(self, context: BatchContext, action: Delivered, reply: Polled) -> None:
        """Import what is new; what is still undecided is polled by another action. Otherwise wait on."""
        request = request_of(context, action)
        if request is None or request.row.state not in _OPEN:
            return
        if reply.quote is None:
            request.fail("The carrier does not know this request any more.")
        elif reply.quote.sequence <= request.row.sequence or import_quote(context, request, reply.quote) != APPLIED:
            raise RetryAfter(reply.wait, _NOTHING_NEW)

    def refuse(self, context: BatchContext, action: Delivered, error: CarrierRefused) -> None:
        """Wait on: the carrier may have an error of its own, and the time limit ends the polls."""
        raise RetryAfter(_wait_after_refusal(action), f"The carrier refused the poll ({error.status}).")

    def give_up(self, context: BatchContext, action: Delivered, reason: str) -> None:
        """Record that the carrier did not decide."""
        request = request_of(context, action)
        if request is not None and request.row.state in _OPEN:
            request.fail(reason)


def _wait_after_refusal(action: Delivered) -> float:
    return BUDGET.wait_after(action.attempt)
