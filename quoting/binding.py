"""Binding: from a quote to a request to the carrier. The result is applied by ``quoting.binding_results``.

All functions take a batch context; the caller saves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from actions.kinds import BindQuoteRequest, SendBindAssistanceMail, StartProcess
from batch.binding_errors import DisclosuresAreOpen, NoQuoteToBind, NotAppointed, NotLicensed, WordingHasChanged
from batch.changes.changeset import Changeset
from batch.changes.consent_terms import payment_plan, terms_of
from batch.context import BatchContext
from batch.errors import BatchError, CopyIsDeleted, CopyIsLocked, NotFound, UnknownRecord
from presentation.consent_wording import consent_wording, wording_hash
from presentation.product_names import product_name
from quoting.binding_needs import (
    BindQuestions,
    Preparation,
    Surroundings,
    bind_questions,
    open_subjectivities,
    refusals,
)
from quoting.gates import gates_of

#: The kind of the process that waits for a person who helps with a binding, and its step.
BIND_ASSISTANCE: Final = "bind_assistance"


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenConsent:
    """The consent of the person ``accepted_by`` to the wording with this hash, as it was shown."""

    wording_hash: str
    accepted_by: str
    acknowledges_disclosures: bool = False


def prepare(context: BatchContext, request_id: UUID) -> Preparation:
    """Return what is known about binding the quote, as of the loaded copy. Raises ``NotFound``."""
    changeset, evaluation = context.current_view()
    catalogue, document = context.decision_release.compiled, changeset.document
    try:
        request = changeset.quote_requests.find(request_id).row
    except UnknownRecord as error:
        raise NotFound from error
    around = Surroundings(
        request=request,
        requests=[other.row for other in changeset.quote_requests],
        bindings=[binding.row for binding in changeset.bindings],
        subjectivities=[subjectivity.row for subjectivity in changeset.subjectivities],
        today=context.save_context.today,
    )
    terms = terms_of(catalogue, document, request, evaluation=evaluation)
    questions, found = BindQuestions((), ()), _copy_refusals(context)
    if request.product in catalogue.products:
        reveal = changeset.sealing.reveal
        questions = bind_questions(catalogue, document, evaluation, request.product, reveal=reveal)
        present = wording_hash(consent_wording(terms)) if terms else ""
        found += _gate_refusals(context, request.product)
        found += refusals(catalogue, around, needed=questions.needed, present=present)
    else:
        found.append(NoQuoteToBind("for a product that is no longer offered"))
    return Preparation(
        request=request,
        binding=around.binding,
        terms=terms,
        questions=questions,
        subjectivities=tuple(open_subjectivities(around)),
        refusals=tuple(found),
    )


def give_consent(context: BatchContext, request_id: UUID, consent: GivenConsent) -> None:
    """Record the consent to bind the quote.

    Raises what else refuses the quote, ``WordingHasChanged``, ``DisclosuresAreOpen``, and ``WrongValue`` or
    ``LooksSensitive`` for the name.
    """
    prepared = prepare(context, request_id)
    _consent(context, prepared, consent)


def bind(
    context: BatchContext, request_id: UUID, *, consent: GivenConsent | None = None, payment_method: UUID | None = None
) -> None:
    """Request the carrier to bind the quote; with ``consent``, record it first. The quote is selected by that.

    ``payment_method`` is one of the form. Raises the first of the reasons for which the quote cannot be bound.
    """
    prepared = prepare(context, request_id)
    changeset = context.changeset
    if consent is not None:
        _consent(context, prepared, consent)
    elif prepared.refusals:
        raise prepared.refusals[0]
    request, binding = changeset.quote_requests.find(request_id), changeset.bindings.of(request_id)
    if payment_method is not None:
        changeset.payment_methods.find(payment_method)
        binding.choose_payment(payment_method)
    if request.row.state == "quoted":
        request.select()
    binding.request(
        reference=request.row.carrier_reference, payment_plan=payment_plan(changeset.catalogue, changeset.document)
    )
    changeset.defer(
        BindQuoteRequest(copy_id=str(context.copy.id), request_id=str(request_id), carrier=request.row.carrier)
    )


def ask_for_help(context: BatchContext, request_id: UUID, *, note: str = "") -> None:
    """Ask the tenant's administrators to help with the binding, and start the process that waits for one.

    Raises ``WrongState`` while the carrier binds and after the end, ``WrongValue`` or ``LooksSensitive`` for the note.
    """
    prepared = prepare(context, request_id)
    changeset, request = context.changeset, prepared.request
    changeset.bindings.of(request_id).ask_for_help(note)
    name = product_name(changeset.catalogue, request.product)
    copy_id = str(context.copy.id)
    changeset.defer(
        SendBindAssistanceMail(copy_id=copy_id, product=name, asked_by=context.save_context.actor.label or "An agent")
    )
    changeset.defer(
        StartProcess(copy_id=copy_id, process_kind=BIND_ASSISTANCE, details={"quote_request_id": str(request_id)})
    )


def end_help(context: BatchContext, request_id: UUID) -> None:
    """Record that the help has been given, and end the process. Raises ``NotFound``, ``WrongState``."""
    prepare(context, request_id)
    context.changeset.bindings.of(request_id).end_help()
    complete_assistance(context.changeset, request_id)


def complete_assistance(changeset: Changeset, request_id: UUID) -> None:
    """End the processes that wait for help with the quote's binding."""
    for process in changeset.processes:
        is_ours = process.row.kind == BIND_ASSISTANCE and process.row.details.get("quote_request_id") == str(request_id)
        if is_ours and process.row.state in ("running", "waiting"):
            process.complete()


def wait_for_help(context: BatchContext, process_id: UUID) -> None:
    """Let the process wait for a person: nothing else happens in it."""
    context.changeset.processes.find(process_id).wait("person")
    context.save()


def _consent(context: BatchContext, prepared: Preparation, consent: GivenConsent) -> None:
    if prepared.before_consent:
        raise prepared.before_consent[0]
    if consent.wording_hash != prepared.wording_hash:
        raise WordingHasChanged
    if prepared.terms and prepared.terms.disclosures and not consent.acknowledges_disclosures:
        raise DisclosuresAreOpen
    binding = context.changeset.bindings.of(prepared.request.id)
    binding.give_consent(prepared.wording, accepted_by=consent.accepted_by)


def _copy_refusals(context: BatchContext) -> list[BatchError]:
    fields = context.copy.fields
    found: list[BatchError] = []
    if fields.deleted_at is not None or context.form.deleted_at is not None:
        found.append(CopyIsDeleted())
    is_bound = any(getattr(row, "state", "") == "bound" for row in context.attached.get("bindings", ()))
    if fields.locked_at is not None and not is_bound:
        found.append(CopyIsLocked(by=fields.locked_by_label, since=fields.locked_at, reason=fields.lock_reason))
    return found


def _gate_refusals(context: BatchContext, product: str) -> list[BatchError]:
    """Return the reason for which the agency may not sell the product, if any."""
    gate = gates_of(context).get(product)
    if gate is None:
        return []
    return [NotLicensed(gate.text) if gate.code == "not_licensed" else NotAppointed(gate.text)]
