"""The evaluation of a copy as text for staff: outcomes with reasons and rules, missing answers, and messages.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from partner_engine.admin.document import DocumentReader
from presentation.formats import money
from presentation.product_names import carrier_and_line
from rules.flow.evaluation import Evaluation, ProductOutcome, Reason

_WORDS: Final = {
    "eligible": "Eligible",
    "refer": "Refer",
    "need_info": "Needs answers",
    "decline": "Declined",
    "locked": "Locked",
}
#: Reasons for outcomes that have none in the evaluation.
_REASONS: Final = {"locked": (("", "Surplus lines open only when every admitted carrier of the line declines"),)}


@dataclass(frozen=True, slots=True)
class ProductLine:
    """One product's outcome. ``reasons`` are pairs of rule id and text."""

    code: str
    name: str
    outcome: str
    word: str
    premium: str
    reasons: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    missing_for_price: tuple[str, ...]
    adjustments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A whole evaluation as text. ``messages`` are tuples of kind, place, text, and rule."""

    products: tuple[ProductLine, ...]
    needed_to_quote: tuple[str, ...]
    needed_to_bind: tuple[str, ...]
    messages: tuple[tuple[str, str, str, str], ...]
    derived: tuple[tuple[str, str], ...]


def describe(evaluation: Evaluation, reader: DocumentReader) -> Decision:
    """Return ``evaluation`` as text. ``reader`` provides labels and masks values."""
    derived = {part.code: part.label or part.code for part in reader.catalogue.definition.derived}
    return Decision(
        tuple(_product(code, outcome, reader) for code, outcome in evaluation.eligibility.items()),
        tuple(reader.label(path) for path in evaluation.needed.quote),
        tuple(reader.label(path) for path in evaluation.needed.bind),
        tuple(
            (message.kind, reader.label(message.path), message.text, message.code)
            for message in reader.visibility.messages(evaluation.messages, lambda: reader.document)
        ),
        tuple(
            (derived.get(code, code), _plain(reader.derived(code, value))) for code, value in evaluation.derived.items()
        ),
    )


def _product(code: str, outcome: ProductOutcome, reader: DocumentReader) -> ProductLine:
    return ProductLine(
        code,
        " ".join(filter(None, carrier_and_line(reader.catalogue, code))),
        outcome.outcome,
        _WORDS[outcome.outcome],
        _premium(outcome, reader),
        tuple((reason.rule, _reason(outcome, reason)) for reason in outcome.reasons)
        or _REASONS.get(outcome.outcome, ()),
        tuple(reader.label(path) for path in outcome.missing),
        tuple(reader.label(path) for path in outcome.missing_for_price),
        tuple(
            f"{reader.label(found.path)}: rated with {reader.value(found.path, found.rated)}, "
            f"requested {reader.value(found.path, found.asked, tag=found.tag)} ({found.rule})"
            for found in outcome.adjustments
        ),
    )


def _premium(outcome: ProductOutcome, reader: DocumentReader) -> str:
    if outcome.premium is None:
        return "priced by the carrier" if outcome.priced_by_carrier else ""
    return f"{money(outcome.premium, reader.catalogue.definition.currency)}{' bindable' if outcome.bindable else ''}"


def _reason(outcome: ProductOutcome, reason: Reason) -> str:
    """Return the text of a reason; for a declined product, with the effect of one that does not decline."""
    if outcome.outcome != "decline" or reason.effect in ("decline", "base"):
        return reason.text
    return f"{reason.text} (would {reason.effect})"


def _plain(value: str | float | bool | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
