"""Submits a quote request to its carrier and records the reply.

Under the lock it is checked again and recorded as submitted, with the hash of what is sent; then the carrier is called.
Whenever the carrier may know the request already, after a crash or a timeout, it is asked by the request token first:
nothing is sent twice blindly.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

from actions.registry import Budget, Delivered
from batch.changes.mutators.quote_requests import QuoteRequestMutator
from batch.context import BatchContext
from carriers.links.client import CarrierClient
from carriers.links.errors import CarrierRefused
from carriers.links.link import CallContext, Link
from carriers.links.wire import Quote, QuoteSubmission
from quoting.action_targets import call_context, link_for, request_of
from quoting.carrier_actions import CarrierAction, CarrierCall, Delay
from quoting.importing import import_quote
from quoting.sending import NotSendable, check_sendable, present_payload, record_submission
from rules.payload import Payload, payload_hash

#: About a quarter of an hour, without the time for which the carrier's pace or breaker holds the request back.
BUDGET: Final = Budget(tries=8, first=2.0, most=300.0)
#: States in which the carrier may know the request although it has not replied.
_SENT: Final = frozenset({"submitted", "stale", "withdrawn"})


class Submission(CarrierAction[Quote | None]):
    """Sends one quote request."""

    records_delays = True

    def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[Quote | None] | None:
        """Record the request as submitted and return its call; ask first where it was submitted before."""
        request = request_of(context, action)
        if request is None:
            return None
        if request.row.state == "queued":
            return _first_call(context, action, request)
        if request.row.state in _SENT and request.row.submitted_at is not None and not request.row.carrier_reference:
            return _further_call(context, action, request)
        return None

    def conclude(self, context: BatchContext, action: Delivered, reply: Quote | None) -> None:
        """Import the carrier's quote; None means that the carrier does not know a request that is not sent again."""
        request = request_of(context, action)
        if request is not None and reply is not None:
            import_quote(context, request, reply)

    def refuse(self, context: BatchContext, action: Delivered, error: CarrierRefused) -> None:
        """Record the carrier's words."""
        self.give_up(context, action, error.text or f"{error} {error.reason}".strip())

    def delay(self, context: BatchContext, action: Delivered, delay: Delay) -> None:
        """Show when the carrier is called again."""
        request = request_of(context, action)
        if request is not None and request.row.state in ("queued", "submitted"):
            request.delay(attempts=delay.attempt, next_attempt_at=delay.until, reason=delay.reason)

    def give_up(self, context: BatchContext, action: Delivered, reason: str) -> None:
        """Record that the carrier did not take the request."""
        request = request_of(context, action)
        if request is not None and request.row.state in ("queued", "submitted"):
            request.fail(reason)


def _first_call(
    context: BatchContext, action: Delivered, request: QuoteRequestMutator
) -> CarrierCall[Quote | None] | None:
    """Check and record the request; None if our own rules decline it meanwhile."""
    link = link_for(context, request.row.carrier)
    try:
        check_sendable(context, request.row.product)
    except NotSendable as refused:
        request.fail(str(refused))
        return None
    payload = record_submission(context, request)
    return _call(request, link, payload, call_context(action, payload=payload), asks_first=False)


def _further_call(
    context: BatchContext, action: Delivered, request: QuoteRequestMutator
) -> CarrierCall[Quote | None]:  # fmt: skip
    """Ask for the status; send again only what was recorded, and only if it is still wanted."""
    row, link = request.row, link_for(context, request.row.carrier)
    payload = present_payload(context, row.product)
    is_same = payload_hash(payload, row.request_token) == row.payload_hash
    is_wanted = row.state == "submitted" and is_same
    return _call(
        request, link, payload if is_wanted else None, call_context(action, payload=payload), asks_first=True
    )  # fmt: skip


def _call(
    request: QuoteRequestMutator, link: Link, payload: Payload | None, context: CallContext, *, asks_first: bool
) -> CarrierCall[Quote | None]:
    """Return the exchange: ask for the request if it ``asks_first``, then send it, if there is a ``payload``."""
    row = request.row
    submission = None
    if payload is not None:
        submission = QuoteSubmission(
            request_token=row.request_token,
            product=row.product,
            risk=payload.fields,
            callback_url=_callback_url(link, context),
            replaces=row.previous_references[-1] if row.previous_references else None,
        )

    async def make(client: CarrierClient) -> Quote | None:
        if asks_first and (known := await client.find(row.request_token, context=context)) is not None:
            return known
        return None if submission is None else await client.submit(submission, context=context)

    return CarrierCall(link=link, make=make)


def _callback_url(link: Link, context: CallContext) -> str | None:
    if not settings.PUBLIC_URL:
        return None
    return f"{settings.PUBLIC_URL.rstrip('/')}/carrier_callbacks/{link.id}/{context.copy_id}"
