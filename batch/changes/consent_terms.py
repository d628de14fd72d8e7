"""The terms of a quote to which the insured consents, taken from the copy and the carrier's quote. Pure."""

from __future__ import annotations

from datetime import date
from typing import Any

from batch.changes.mutators.quote_requests import QuoteRequestRow
from copies.document import Answer, Document
from presentation.consent_wording import ChangedTerm, ConsentTerms
from presentation.formats import reading_text
from presentation.product_names import carrier_and_line
from presentation.visibility import NOBODY, PUBLIC, Visibility
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation
from rules.surplus_lines import surplus_rule_for

#: The insured, where the catalogue or the answers name none openly.
_UNNAMED = "The applicant"


def terms_of(
    catalogue: CompiledCatalogue, document: Document, request: QuoteRequestRow, *, evaluation: Evaluation
) -> ConsentTerms | None:
    """Return the terms of the quote of ``request``, None without a premium or for a product that is no longer offered.

    ``document`` must be as the check flow left it when it returned ``evaluation`` under ``catalogue``.
    """
    if request.premium is None or request.product not in catalogue.products:
        return None
    surplus = surplus_rule_for(catalogue, document, request.product, evaluation=evaluation)
    definition = catalogue.definition
    insured, begins = (
        _open_value(catalogue, document, code)
        for code in (definition.title_question, definition.effective_date_question)
    )
    carrier, product = carrier_and_line(catalogue, request.product)
    return ConsentTerms(
        insured=str(insured or _UNNAMED),
        carrier=carrier,
        product=product,
        reference=request.carrier_reference,
        premium=request.premium,
        currency=definition.currency,
        effective_on=date.fromisoformat(str(begins)) if begins else None,
        payment_plan=plan_label(catalogue, payment_plan(catalogue, document)),
        changes=tuple(_changed(change) for change in request.changes),
        disclosures=surplus.disclosures if surplus else (),
    )


def payment_plan(catalogue: CompiledCatalogue, document: Document) -> str:
    """Return the code of the chosen payment plan, "" without one."""
    value = _open_value(catalogue, document, catalogue.definition.payment_plan_question)
    return str(value or "")


def plan_label(catalogue: CompiledCatalogue, plan: str) -> str:
    """Return the label of a payment plan."""
    known = catalogue.questions.get(catalogue.definition.payment_plan_question)
    return catalogue.choices(known.question).get(plan, plan) if known else plan


def _open_value(catalogue: CompiledCatalogue, document: Document, code: str) -> Any:
    """Return the answer to ``code`` if everybody may read it, else None: the wording is stored as it is."""
    answer: Answer | None = document.answers.get(code)
    if answer is None or not answer.active or Visibility(catalogue, NOBODY).of(code, answer) is not PUBLIC:
        return None
    return answer.value


def _changed(change: dict[str, Any]) -> ChangedTerm:
    asked, offered = (reading_text("", change.get(name), {}) for name in ("asked", "offered"))
    return ChangedTerm(label=str(change.get("label") or change.get("field") or "A term"), asked=asked, offered=offered)
