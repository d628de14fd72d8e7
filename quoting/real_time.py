"""Asks carriers about a risk while the form is filled in, and records their results.

Nobody waits for it: a carrier that is slow, broken or not linked leaves no result. Results are kept by the hash of what
was sent, so the same answers are asked about once, and a result about other answers is not shown as current.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog

from actions.registry import Budget, Delivered, PermanentFailure, RetryAfter
from batch.changes.mutators.eligibility_results import EligibilityResultRow
from batch.changes.real_time import real_time_token
from batch.context import BatchContext
from carriers.links.client import CarrierClient
from carriers.links.errors import CarrierError, CarrierRefused
from carriers.links.wire import Eligibility, EligibilityStatus
from quoting.action_targets import call_context, link_for
from quoting.carrier_actions import CarrierAction, CarrierCall
from quoting.sending import NotSendable, check_copy
from rules.payload import payload_hash, quote_payload

#: Few: the next save asks again.
BUDGET: Final = Budget(tries=3, first=1.0, most=5.0)
#: Seconds in which further saves count for the same call.
DEBOUNCE: Final = 1.0
OUTCOMES: Final[Mapping[EligibilityStatus, str]] = {
    EligibilityStatus.OPEN: "eligible",
    EligibilityStatus.REFER: "refer",
    EligibilityStatus.DECLINE: "decline",
    EligibilityStatus.UNKNOWN: "unknown",
}

log = structlog.get_logger(__name__)


class CheckedRisk(NamedTuple):
    """The carrier's view, None if it has none, of the payload with this hash, of this version of the copy."""

    eligibility: Eligibility | None
    payload_hash: str
    version: int


class RealTimeEvaluation(CarrierAction[CheckedRisk]):
    """Asks about one product of one copy."""

    locks_to_prepare = False

    def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[CheckedRisk] | None:
        """Return the call about the present answers, nothing if the last result is about them.

        Waits first, so that the saves of a person who types cause one call.
        """
        if action.attempt == 1:
            raise RetryAfter(DEBOUNCE, "More answers may follow.")
        product = action.payload["product"]
        hashed = present_hash(context, product)
        if hashed is None or any(_is_about(one, product, hashed) for one in _results(context)):
            return None
        try:
            check_copy(context)
            link = link_for(context, action.payload["carrier"])
        except (NotSendable, PermanentFailure):
            return None
        changeset, evaluation = context.current_view()
        payload = quote_payload(changeset.catalogue, changeset.document, product, evaluation=evaluation)
        called, version = call_context(action, payload=payload), context.version

        async def make(client: CarrierClient) -> CheckedRisk:
            try:
                eligibility = await client.check_eligibility(product, payload.fields, context=called)
            except CarrierError as error:
                log.info("real_time_eligibility_missing", carrier=link.carrier, error=type(error).__name__)
                return CheckedRisk(None, hashed, version)
            return CheckedRisk(eligibility, hashed, version)

        return CarrierCall(link=link, make=make)

    def conclude(self, context: BatchContext, action: Delivered, reply: CheckedRisk) -> None:
        """Record the result, also where the answers have changed meanwhile: then it is not shown as current."""
        product, found = action.payload["product"], reply.eligibility
        if found is None or product not in context.release.compiled.products:
            return
        context.changeset.eligibility_results.record(
            product,
            outcome=OUTCOMES[found.status],
            payload_hash=reply.payload_hash,
            reasons=[(reason.code, reason.text) for reason in found.reasons],
            messages=[(message.kind.value, message.text) for message in found.messages],
            version=reply.version,
        )

    def refuse(self, context: BatchContext, action: Delivered, error: CarrierRefused) -> None:
        """Record nothing: without a result the form is decided by the rules alone."""


def present_hash(context: BatchContext, product: str) -> str | None:
    """Return the hash of what the carrier of ``product`` would be sent now, None if the release does not have it."""
    changeset, evaluation = context.current_view()
    if product not in changeset.catalogue.products:
        return None
    payload = quote_payload(changeset.catalogue, changeset.document, product, evaluation=evaluation)
    return payload_hash(payload, real_time_token(context.copy.id, product))


def current_results(context: BatchContext) -> list[EligibilityResultRow]:
    """Return the results that are about the present answers; outdated ones are left out."""
    return [one for one in _results(context) if _is_about(one, one.product, present_hash(context, one.product))]


def _results(context: BatchContext) -> list[EligibilityResultRow]:
    rows = context.attached.get("eligibility_results", ())
    return [row for row in rows if isinstance(row, EligibilityResultRow)]


def _is_about(row: EligibilityResultRow, product: str, hashed: str | None) -> bool:
    return row.product == product and bool(row.payload_hash) and row.payload_hash == hashed
