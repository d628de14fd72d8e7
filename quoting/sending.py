"""Checks that a product may be requested and sent: nothing goes to a carrier whose decline we know.

Asked when quotes are requested, and again when a request is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import REQUESTED_BY, RUNNING, QuoteRequestMutator
from batch.context import BatchContext
from batch.errors import UnknownProduct
from carriers.links.errors import LinkError
from carriers.links.selectors import find_link
from copies.paths import Path
from forms.states import OPEN_OUTCOMES
from quoting.gates import gates_for
from quoting.permissions import Gate
from rules.definition.labels import label_of
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation, ProductOutcome
from rules.payload import Payload, payload_hash, quote_payload
from tenants.access import Actor

#: Why a product is not open, where its reasons have no text.
_SENTENCES: Final[Mapping[str, str]] = {
    "decline": "Our rules decline this product.",
    "locked": "This product is locked.",
    "need_info": "Answers that this product needs are missing.",
}
#: So many missing answers are named in a sentence.
_MOST_NAMED: Final = 5


class NotSendable(Exception):
    """The product must not be sent to its carrier. ``code`` is the stable name of the reason."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def check_sendable(context: BatchContext, product: str) -> None:
    """Raise ``NotSendable`` where the rules or a gate close ``product`` for the copy as it was loaded or saved last,
    or where copy or form are closed; ``UnknownProduct``. The gates are those of the person who requested it.
    """
    check_copy(context)
    changeset, evaluation = context.current_view()
    actor = _requester(context, product)
    gates = gates_for(context.scope, changeset.catalogue, changeset.document, evaluation, actor=actor)
    check_product(context, product, gates=gates)


def check_copy(context: BatchContext) -> None:
    """Raise ``NotSendable`` for a copy that is locked, deleted, archived or bound: it is not quoted any more."""
    loaded = context.loaded
    if loaded.copy.fields.deleted_at is not None or loaded.form.deleted_at is not None:
        raise NotSendable("copy_deleted", "This copy is deleted.")
    if loaded.copy.fields.locked_at is not None:
        raise NotSendable("copy_locked", "This copy is locked.")
    if loaded.is_bound:
        raise NotSendable("form_bound", "This application is bound.")


def check_product(context: BatchContext, product: str, *, gates: Mapping[str, Gate]) -> None:
    """Raise ``NotSendable`` where the rules or ``gates`` close ``product``, and for a test form whose carrier is no
    simulator; ``UnknownProduct``.
    """
    if product not in context.release.compiled.products:
        raise UnknownProduct(product)
    _, evaluation = context.current_view()
    outcome = evaluation.eligibility.get(product)
    if outcome is None or outcome.outcome not in OPEN_OUTCOMES:
        raise NotSendable(*_refusal(outcome))
    if gate := gates.get(product):
        raise NotSendable(gate.code, gate.text)
    carrier = context.release.compiled.products[product].product.carrier
    if context.form.is_test and not goes_to_simulator(context, carrier):
        raise NotSendable("test_form", "This is a test form, and this carrier has no simulator to send it to.")
    if missing := missing_answers(context.release.compiled, evaluation, product):
        raise NotSendable("missing_answers", _missing_text(context.release.compiled, missing))


def missing_answers(catalogue: CompiledCatalogue, evaluation: Evaluation, product: str) -> list[str]:
    """Return the paths of the answers that are needed before a quote of ``product``: what its carrier is sent, and what
    no carrier is sent. What only other products send is not needed for this one.
    """
    reads = {code: item.payload.quote.reads | item.payload.bind.reads for code, item in catalogue.products.items()}
    own, others = reads[product], frozenset().union(*reads.values())
    codes = ((path, Path(path).code) for path in evaluation.needed.quote)
    return [path for path, code in codes if code in own or code not in others]


def present_payload(context: BatchContext, product: str) -> Payload:
    """Return what the carrier of ``product`` would be sent now."""
    return _payload(context, product, *context.current_view())


def record_submission(context: BatchContext, request: QuoteRequestMutator) -> Payload:
    """Record ``request`` as submitted with what is sent now, beside our own premium; return what is sent."""
    row = request.row
    changeset, evaluation = context.current_view()
    payload = _payload(context, row.product, changeset, evaluation)
    outcome = evaluation.eligibility.get(row.product)
    request.submit(
        payload_hash=payload_hash(payload, row.request_token),
        asked=payload.asked,
        indication=None if outcome is None else outcome.premium,
    )
    return payload


def _payload(context: BatchContext, product: str, changeset: Changeset, evaluation: Evaluation) -> Payload:
    return quote_payload(context.release.compiled, changeset.document, product, evaluation=evaluation)


def _requester(context: BatchContext, product: str) -> Actor:
    """Return who requested the queued quote of ``product``, the actor of ``context`` if nobody did."""
    for request in context.changeset.quote_requests:
        row = request.row
        if row.product == product and row.state in RUNNING and (user_id := row.details.get(REQUESTED_BY)):
            return Actor(type="user", id=user_id, source="job")
    return context.save_context.actor


def goes_to_simulator(context: BatchContext, carrier: str) -> bool:
    """Return whether the link of ``carrier`` leads to a simulator."""
    try:
        return find_link(context.form.catalogue, carrier, tenant=context.scope).is_simulator
    except LinkError:
        return False


def _missing_text(catalogue: CompiledCatalogue, paths: list[str]) -> str:
    labels = dict.fromkeys(label_of(catalogue, path) for path in paths)
    more = len(labels) - _MOST_NAMED
    named = ", ".join(list(labels)[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"Answer first: {named}."


def _refusal(outcome: ProductOutcome | None) -> tuple[str, str]:
    if outcome is None:
        return "not_offered", "This product is not offered."
    texts = [reason.text for reason in outcome.reasons if reason.effect in ("decline", "base", "lock")]
    return outcome.outcome, " ".join(texts[:4]) or _SENTENCES.get(outcome.outcome, "This product is not open.")
