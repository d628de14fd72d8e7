"""The call with which a carrier binds a quote: prepared under the copy's lock, made without it, its result applied
under a new one.

A request that may have reached the carrier is never sent again blindly: its bind token is looked up first. Sealed
answers are opened for the call alone, each with its row in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from actions.registry import Budget, Delivered, RetryAfter
from batch.changes.changeset import Changeset
from batch.changes.consent_terms import terms_of
from batch.changes.consents import OFFERED
from batch.changes.mutators.bindings import OUTCOME_UNKNOWN, BindingMutator
from batch.changes.mutators.quote_requests import QuoteRequestRow
from batch.context import BatchContext
from batch.reveal import RevealReason, recorded_reveal
from carriers.links import wire
from carriers.links.client import CarrierClient
from carriers.links.errors import CarrierRefused
from carriers.links.link import CallContext
from copies.document import Document
from copies.models import RevealPurpose
from presentation.consent_wording import consent_wording, wording_hash
from quoting.action_targets import call_context, link_for
from quoting.binding_results import offer_again, receive_binding
from quoting.carrier_actions import CarrierAction, CarrierCall
from quoting.importing import APPLIED, OLDER
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation
from rules.payload import Payload, bind_payload, payload_hash, quote_payload

#: About a day and a half of attempts at a carrier that is away.
BUDGET: Final = Budget(tries=60, first=2.0, most=1_800.0)
#: Seconds between two looks at a pending binding: a twelfth of its age within these bounds.
_SOONEST: Final = 2.0
_LATEST: Final = 600.0
_UNKNOWN_TEXT: Final = (
    "The carrier could not be reached, and may have bound the policy. Call the carrier before you try again."
)


@dataclass(frozen=True, kw_only=True)
class BindExchange:
    """One exchange with the carrier about a binding: query the token if it ``may_be_known``, send if it is not.

    Without a ``submission`` the carrier is only queried.
    """

    reference: str
    bind_token: str
    submission: wire.BindSubmission | None
    context: CallContext
    may_be_known: bool

    async def make(self, client: CarrierClient) -> wire.Binding | None:
        """Return the carrier's binding, None if it is only queried and knows none. Raises ``CarrierError``."""
        found = None
        if self.may_be_known:
            found = await client.find_binding(self.reference, self.bind_token, context=self.context)
        if found is None and self.submission is not None:
            found = await client.bind(self.reference, self.submission, context=self.context)
        return found


class Binding(CarrierAction["wire.Binding | None"]):
    """Binds a quote at its carrier, and follows a pending binding until it is decided."""

    def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[wire.Binding | None] | None:
        """Return the call, None if the binding is decided or its quote can no longer be bound."""
        changeset = context.changeset
        binding = _binding(changeset, action)
        if binding is None or not binding.row.is_under_way:
            return None
        request = changeset.quote_requests.find(binding.row.quote_request_id).row
        was_sent = binding.row.sent_at is not None
        if not was_sent and (refusal := _refusal(context, binding, request)):
            binding.refuse(*refusal)
            offer_again(changeset, binding)
            return None
        link, submission, called = link_for(context, request.carrier), None, call_context(action)
        if binding.row.state == "requested":
            payload = _payload(context, binding, request)
            submission = _submission(changeset, binding, payload.fields)
            called = replace(called, logged_body=_logged(submission, payload))
            binding.note_attempt()
        exchange = BindExchange(
            reference=binding.row.carrier_reference,
            bind_token=binding.row.bind_token,
            submission=submission,
            context=called,
            may_be_known=was_sent,
        )
        return CarrierCall(link=link, make=exchange.make)

    def conclude(self, context: BatchContext, action: Delivered, reply: wire.Binding | None) -> None:
        """Apply the carrier's decision. Raises ``RetryAfter`` while it is pending."""
        binding = _binding(context.changeset, action)
        if binding is None or not binding.row.is_under_way:
            return
        if reply is None:
            binding.refuse("unknown_at_carrier", "The carrier no longer knows this request.")
            offer_again(context.changeset, binding)
            return
        receive_binding(context.changeset, reply)
        if binding.row.is_under_way:
            raise RetryAfter(_pause(context, binding), "The carrier has not decided yet.", counts=False)

    def refuse(self, context: BatchContext, action: Delivered, error: CarrierRefused) -> None:
        """Record that the carrier refused the request itself."""
        self._end(context, action, error.reason or "refused", error.text or str(error))

    def give_up(self, context: BatchContext, action: Delivered, reason: str) -> None:
        """End the request after its last attempt. One that was sent may be bound: the next request asks first."""
        binding = _binding(context.changeset, action)
        if binding is not None and binding.row.sent_at is not None:
            self._end(context, action, OUTCOME_UNKNOWN, _UNKNOWN_TEXT)
        else:
            self._end(context, action, "not_sent", reason)

    def _end(self, context: BatchContext, action: Delivered, code: str, text: str) -> None:
        binding = _binding(context.changeset, action)
        if binding is not None and binding.row.is_under_way:
            binding.refuse(code, text)
            offer_again(context.changeset, binding)


def import_updated_binding(context: BatchContext, message: wire.BindingUpdated) -> str:
    """Import the binding of a callback, found by its bind token; return what was done."""
    return APPLIED if receive_binding(context.changeset, message.data) else OLDER


def _binding(changeset: Changeset, action: Delivered) -> BindingMutator | None:
    return changeset.bindings.find_of(UUID(action.payload["request_id"]))


def _refusal(context: BatchContext, binding: BindingMutator, request: QuoteRequestRow) -> tuple[str, str] | None:
    """Return the code and the reason for which a request that was not sent yet must not be sent."""
    changeset, evaluation = context.current_view()
    catalogue = context.decision_release.compiled
    if request.state not in OFFERED:
        return "quote_stale", f"The quote is {request.state}: {request.reason}" if request.reason else request.state
    if not _is_payload_the_same(catalogue, changeset.document, request, evaluation):
        return "quote_stale", "The application has changed since the carrier quoted."
    terms = terms_of(catalogue, changeset.document, request, evaluation=evaluation)
    consent = binding.row.given_consent
    if terms is None or consent is None or consent.wording_hash != wording_hash(consent_wording(terms)):
        return "consent_void", "The terms have changed since the insured consented."
    return None


def _is_payload_the_same(
    catalogue: CompiledCatalogue, document: Document, request: QuoteRequestRow, evaluation: Evaluation
) -> bool:
    if not request.payload_hash:
        return True
    payload = quote_payload(catalogue, document, request.product, evaluation=evaluation)
    return payload_hash(payload, request.request_token) == request.payload_hash


def _payload(context: BatchContext, binding: BindingMutator, request: QuoteRequestRow) -> Payload:
    """Return what the carrier is sent; each sealed answer in it is recorded as revealed."""
    changeset, evaluation = context.current_view()
    by = binding.row.requested_by or "an agent"
    reason = RevealReason(purpose=RevealPurpose.CARRIER, text=f"Sent to {request.carrier} to bind, requested by {by}")
    reveal = recorded_reveal(context, changeset, reason=reason)
    return bind_payload(
        context.decision_release.compiled, changeset.document, request.product, evaluation=evaluation, reveal=reveal
    )


def _submission(changeset: Changeset, binding: BindingMutator, answers: dict[str, Any]) -> wire.BindSubmission:
    row, consent = binding.row, binding.row.given_consent
    assert consent is not None  # noqa: S101 - no binding is requested without
    method = row.payment_method_id and changeset.payment_methods.find(row.payment_method_id).row
    return wire.BindSubmission(
        bind_token=row.bind_token,
        payment_plan=row.payment_plan,
        consent=wire.Consent(
            wording_hash=consent.wording_hash, accepted_at=consent.accepted_at, accepted_by=consent.accepted_by
        ),
        answers=answers,
        payment_token=method.token if method else None,
    )


def _logged(submission: wire.BindSubmission, payload: Payload) -> dict[str, Any]:
    """Return the body for the traffic log: without the payment token and the name, with masks of personal answers."""
    return {
        "bind_token": submission.bind_token,
        "payment_plan": submission.payment_plan,
        "consent": {"wording_hash": submission.consent.wording_hash},
        "answers": payload.logged,
    }


def _pause(context: BatchContext, binding: BindingMutator) -> float:
    asked = binding.row.requested_at or context.save_context.now
    age = (context.save_context.now - asked).total_seconds()
    return min(_LATEST, max(_SOONEST, age / 12))
