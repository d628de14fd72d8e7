"""Request and response shapes of the binding of a quote."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from batch.changes.mutators.bindings import MAX_NAME, MAX_NOTE, BindingRow
from partner_engine.api.http.input import Body
from presentation.listed_values import one_of
from quoting.binding_needs import Preparation

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
BindingState = Literal["none", "draft", "help_requested", "requested", "pending", "bound", "refused"]


class NewConsent(Body, frozen=True, kw_only=True):
    """The consent of the person ``accepted_by`` to the wording with this hash, exactly as ``GET .../binding`` shows it.

    Where the terms have disclosures, ``acknowledges_disclosures`` must be true.
    """

    wording_hash: Hash
    accepted_by: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    acknowledges_disclosures: bool = False


class BindOrder(Body, frozen=True, kw_only=True):
    """A request to bind. Without ``consent`` the one that was recorded before is used; ``payment_method_id`` names one
    of the form.
    """

    consent: NewConsent | None = None
    payment_method_id: UUID | None = None


class NewAssistance(Body, frozen=True, kw_only=True):
    """A request for help with binding; the ``note`` is for the administrators, without sensitive values."""

    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""


class ConsentShape(msgspec.Struct, frozen=True, kw_only=True):
    """The consent in force: who accepted which wording, and who recorded that."""

    wording_hash: str
    accepted_by: str
    recorded_by: str
    accepted_at: datetime
    document_version: int


class ReasonShape(msgspec.Struct, frozen=True):
    """A reason of the carrier, or of ours."""

    code: str
    text: str


class BindingShape(msgspec.Struct, frozen=True, kw_only=True):
    """The binding of one quote. ``consent_void_reason`` states why the last consent is void, "" otherwise."""

    quote_request_id: UUID
    state: BindingState
    consent: ConsentShape | None
    consent_void_reason: str
    payment_plan: str
    payment_method_id: UUID | None
    requested_at: datetime | None
    answered_at: datetime | None
    policy_number: str
    reasons: list[ReasonShape]


class RefusalShape(msgspec.Struct, frozen=True):
    """A reason for which the quote cannot be bound now. ``remedy`` is a code: ask_again, answer, consent, wait,
    choose_newest, help, or "".
    """

    code: str
    detail: str
    remedy: str


class ChangedTermShape(msgspec.Struct, frozen=True):
    """A term that the carrier changed by itself, as text."""

    label: str
    asked: str
    offered: str


class TermsShape(msgspec.Struct, frozen=True, kw_only=True):
    """The terms to consent to. ``wording`` is the text to show, in paragraphs divided by empty lines, and
    ``wording_hash`` its SHA-256.
    """

    insured: str
    carrier: str
    product: str
    reference: str
    premium: int
    currency: str
    effective_on: date | None
    payment_plan: str
    changes: list[ChangedTermShape]
    disclosures: list[str]
    wording: str
    wording_hash: str


class OpenConditionShape(msgspec.Struct, frozen=True, kw_only=True):
    """An open condition of the carrier. Without ``due_on`` it must be met before the quote is bound."""

    id: UUID
    code: str
    kind: Annotated[str, one_of("pay", "sign", "upload", "answer")]
    text: str
    due_on: date | None
    path: str


class BindingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The way of a quote to a policy: its binding, the terms, the paths that are still needed, the open conditions, and
    the reasons for which it cannot be bound now, the most fundamental first. It can be bound without any.
    """

    copy_id: UUID
    binding: BindingShape
    terms: TermsShape | None
    needed: list[str]
    subjectivities: list[OpenConditionShape]
    refusals: list[RefusalShape]


def binding_shape(quote_request_id: UUID, row: BindingRow | None) -> BindingShape:
    """Return the shape of a binding, of the state ``none`` before anything was agreed."""
    consent = row.given_consent if row else None
    return BindingShape(
        quote_request_id=quote_request_id,
        state=row.state if row else "none",  # type: ignore[arg-type]
        consent=msgspec.convert(consent, ConsentShape, from_attributes=True) if consent else None,
        consent_void_reason=row.consent_void_reason if row else "",
        payment_plan=row.payment_plan if row else "",
        payment_method_id=row.payment_method_id if row else None,
        requested_at=row.requested_at if row else None,
        answered_at=row.answered_at if row else None,
        policy_number=row.policy_number if row else "",
        reasons=[ReasonShape(reason["code"], reason["text"]) for reason in row.reasons] if row else [],
    )


def binding_plan(copy_id: UUID, prepared: Preparation) -> BindingPlan:
    """Return the shape of a preparation."""
    return BindingPlan(
        copy_id=copy_id,
        binding=binding_shape(prepared.request.id, prepared.binding),
        terms=_terms(prepared),
        needed=list(prepared.questions.needed),
        subjectivities=[
            OpenConditionShape(id=row.id, code=row.code, kind=row.kind, text=row.text, due_on=row.due_on, path=row.path)
            for row in prepared.subjectivities
        ],
        refusals=[RefusalShape(error.code, str(error), getattr(error, "remedy", "")) for error in prepared.refusals],
    )


def _terms(prepared: Preparation) -> TermsShape | None:
    terms = prepared.terms
    if terms is None:
        return None
    return TermsShape(
        insured=terms.insured,
        carrier=terms.carrier,
        product=terms.product,
        reference=terms.reference,
        premium=terms.premium,
        currency=terms.currency,
        effective_on=terms.effective_on,
        payment_plan=terms.payment_plan,
        changes=[ChangedTermShape(term.label, term.asked, term.offered) for term in terms.changes],
        disclosures=list(terms.disclosures),
        wording=prepared.wording,
        wording_hash=prepared.wording_hash,
    )
