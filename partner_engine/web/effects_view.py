"""What the answers of a try would change for its forms, in the words and rows of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from copies.document import AnswerValue
from decisions.book_report import BookReport, Sum
from partner_engine.web.pages.comparison import NOT_REQUESTED, OUTCOME_BADGES, signed_money
from presentation.formats import industry, listed, money, reading_text
from presentation.product_names import product_name
from rules.definition.labels import label_of
from rules.definition.model import CompiledCatalogue

#: Rows of each table on the page; the file has all of them.
MOST_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class FlipRow:
    """How many forms have another outcome for one product: words and styles of both outcomes."""

    product: str
    before: tuple[str, str]
    after: tuple[str, str]
    forms: str


@dataclass(frozen=True, kw_only=True)
class WonRow:
    """A product that a form would be offered again, or cheaper."""

    copy_id: UUID
    insured: str
    product: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class EffectsView:
    """The report in words and rows; ``facts`` are sentences, ``groups`` tables of key, premium and number."""

    supposed: str
    sentence: str
    facts: tuple[str, ...]
    flips: tuple[FlipRow, ...]
    groups: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]
    won: tuple[WonRow, ...]
    won_title: str


def build_effects(
    report: BookReport, answers: Mapping[str, AnswerValue], catalogue: CompiledCatalogue, *, insured: Mapping[UUID, str]
) -> EffectsView:
    """Return the view of ``report`` on ``answers``, whose questions ``catalogue`` has; ``insured`` are the names of
    copies that the reader may see.
    """
    return EffectsView(
        supposed=listed(_answer_words(catalogue, code, value) for code, value in answers.items()),
        sentence=f"{report.changed:,} of {forms(report.copies)} would change.",
        facts=tuple(_facts(report, catalogue)),
        flips=tuple(
            FlipRow(
                product=product_name(catalogue, flip.product),
                before=OUTCOME_BADGES.get(flip.before, NOT_REQUESTED),
                after=OUTCOME_BADGES.get(flip.after, NOT_REQUESTED),
                forms=f"{flip.count:,}",
            )
            for flip in report.flips
        ),
        groups=tuple(
            (title, _rows(sums, report.currency))
            for title, sums in (
                ("By product", _named(report.by_product, catalogue)),
                ("By cause", _causes(report.by_cause, catalogue)),
                ("By state", report.by_state),
                ("By industry", {industry(code): one for code, one in report.by_industry.items()}),
            )
            if sums
        ),
        won=tuple(
            WonRow(
                copy_id=won.copy_id,
                insured=insured.get(won.copy_id, "New application"),
                product=product_name(catalogue, won.product),
                before=_price(won.premium_before, report.currency) or OUTCOME_BADGES.get(won.before, NOT_REQUESTED)[0],
                after=_price(won.premium_after, report.currency) or "Open",
            )
            for won in report.win_back[:MOST_SHOWN]
        ),
        won_title=f"Win-back: {report.opened:,} open again, {report.cheaper:,} cheaper",
    )


def forms(number: int) -> str:
    """Return ``1 form``, ``2,000 forms``."""
    return f"{number:,} {'form' if number == 1 else 'forms'}"


def _facts(report: BookReport, catalogue: CompiledCatalogue) -> list[str]:
    """Return the sentences on money, questions and quotes."""
    lines = []
    if report.unasked:
        lines.append(f"{forms(report.unasked)} {'does' if report.unasked == 1 else 'do'} not ask the question.")
    if report.moved.count:
        parts = (("repriced", report.repriced), ("gained", report.gained), ("lost", report.lost))
        named = [f"{_moved(amount.amount, report.currency)} {word}" for word, amount in parts if amount.count]
        split = f" ({', '.join(named)})" if len(named) > 1 else ""
        lines.append(f"Premium moved: {_moved(report.moved.amount, report.currency)}{split}.")
    counted = (
        ("Answers that would be hidden", {label_of(catalogue, code): n for code, n in report.hidden.items()}),
        ("Questions that would be asked anew", {label_of(catalogue, code): n for code, n in report.shown.items()}),
        ("Quotes that would be stale", {product_name(catalogue, code): n for code, n in report.stale_quotes.items()}),
        ("Left out", report.undecidable),
    )
    for title, counts in counted:
        if counts:
            shown = ", ".join(f"{word} ({number:,})" for word, number in list(counts.items())[:MOST_SHOWN])
            more = f" and {len(counts) - MOST_SHOWN} others" if len(counts) > MOST_SHOWN else ""
            lines.append(f"{title}: {shown}{more}.")
    return lines


def _rows(sums: Mapping[str, Sum], currency: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((key, _moved(one.amount, currency), f"{one.count:,}") for key, one in list(sums.items())[:MOST_SHOWN])


def _named(sums: Mapping[str, Sum], catalogue: CompiledCatalogue) -> dict[str, Sum]:
    return {product_name(catalogue, code): one for code, one in sums.items()}


def _causes(sums: Mapping[str, Sum], catalogue: CompiledCatalogue) -> dict[str, Sum]:
    """Return the sums of causes with names and labels instead of the codes of products and questions."""
    found = {}
    for key, one in sums.items():
        product, _, cause = key.partition(": ")
        found[f"{product_name(catalogue, product)}: {_labelled(cause, catalogue)}"] = one
    return found


def _labelled(cause: str, catalogue: CompiledCatalogue) -> str:
    return " ".join(label_of(catalogue, word) if word in catalogue.questions else word for word in cause.split())


def _answer_words(catalogue: CompiledCatalogue, code: str, value: AnswerValue) -> str:
    question = catalogue.questions[code].question
    labels = catalogue.choices(question) if question.choices else {}
    text = reading_text(question.type, value, labels, catalogue.definition.currency)
    return f"{question.label}: {'no answer' if value is None else text}"


def _moved(amount: str, currency: str) -> str:
    """Return a difference of premiums, which is in whole units of the currency, with its sign."""
    return signed_money(int(Decimal(amount)), currency)


def _price(premium: int | None, currency: str) -> str:
    return "" if premium is None else money(premium, currency)
