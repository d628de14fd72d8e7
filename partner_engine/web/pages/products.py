"""The panel on the right of the form page: products with outcome, premium, and reasons, then messages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from copies.document import row_number
from copies.paths import Path
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, element_id, money, reading_text
from presentation.product_names import carrier_and_line
from rules.flow.evaluation import Adjustment, ProductOutcome

#: The number of missing answers that are listed for a product.
LISTED_MISSING: Final = 3
#: The number of missing answers that are listed for a guest.
LISTED_LEFT: Final = 8
_WORDS: Final = {"eligible": "Eligible", "refer": "Refer", "decline": "Declined", "locked": "Locked"}


@dataclass(frozen=True)
class Link:
    """A link to a place on the form page."""

    path: str
    id: str
    text: str


@dataclass(frozen=True)
class ProductView:
    """One product with its outcome."""

    code: str
    carrier: str
    name: str
    outcome: str
    badge: str
    premium: str
    kind: str
    reasons: tuple[str, ...]
    missing: tuple[Link, ...]
    more_missing: int
    adjustments: tuple[str, ...]


@dataclass(frozen=True)
class MessageView:
    """A warning, note, or task with its place."""

    kind: str
    word: str
    text: str
    link: Link


@dataclass(frozen=True)
class Panel:
    """The whole panel. ``summary`` is its one line for narrow screens, ``left`` the missing answers for guests."""

    products: tuple[ProductView, ...]
    messages: tuple[MessageView, ...]
    summary: str
    empty: Link | None
    left: tuple[Link, ...] = ()
    more_left: int = 0


def build_panel(reading: Reading) -> Panel:
    """Return the panel of ``reading``, with the products in the order of their lines in the catalogue."""
    if reading.reader.is_guest:
        return _guests_panel(reading)
    eligibility = reading.evaluation.eligibility
    lines = [line.code for line in reading.catalogue.definition.lines]
    order = {
        product.code: (lines.index(product.line), place)
        for place, product in enumerate(reading.catalogue.definition.products)
    }
    codes = sorted(eligibility, key=lambda code: order.get(code, (len(lines), 0)))
    products = tuple(_product(reading, code, eligibility[code]) for code in codes)
    question = reading.catalogue.definition.lines_question
    messages = tuple(
        MessageView(
            message.kind,
            {"warn": "Check", "task": "To do"}.get(message.kind, "Note"),
            message.text,
            link_to(reading, message.path),
        )
        for message in reading.told
        if message.kind != "error"
    )
    return Panel(
        products, messages, _summary(reading), link_to(reading, question) if not products and question else None
    )


def _guests_panel(reading: Reading) -> Panel:
    """Return the panel for a guest: the missing answers, without products."""
    needed = reading.evaluation.needed.quote
    left = tuple(link_to(reading, path) for path in needed[:LISTED_LEFT])
    summary = f"{counted(len(needed), 'answer')} left" if needed else "All answered"
    if reading.reader.has_finished:
        summary = "You are done"
    return Panel((), (), summary, None, left=left, more_left=len(needed) - len(left))


def errors(reading: Reading) -> tuple[tuple[Link, str], ...]:
    """Return the links and texts of the wrong answers, in the form's order."""
    found = (message for message in reading.told if message.kind == "error")
    return tuple((link_to(reading, message.path), message.text) for message in found)


def link_to(reading: Reading, path: str) -> Link:
    """Return a link to the question or pool at ``path``. Its text names the row of a nested place."""
    label, row = reading.label(path), next(Path(path).rows_around(), "")
    pool = reading.catalogue.pools.get(Path(row).pool)
    if pool and len(reading.document.answer_pools.get(pool.pool.code, ())) > 1:
        title = reading.catalogue.sets[pool.set_code].question_set.title
        label = f"{label} ({title} {row_number(reading.document, row)})"
    return Link(path, element_id(path), label)


def _kind(reading: Reading, outcome: ProductOutcome) -> str:
    """Return whether the premium is bindable or an indication, and whether answers to quote are still missing."""
    if outcome.premium is None:
        return ""
    kind = "bindable" if outcome.bindable else "indication"
    return f"{kind} so far" if reading.evaluation.needed.quote else kind


def _product(reading: Reading, code: str, outcome: ProductOutcome) -> ProductView:
    carrier, name = carrier_and_line(reading.catalogue, code)
    missing = len(outcome.missing)
    currency = reading.catalogue.definition.currency
    reasons = tuple(dict.fromkeys(reason.text for reason in outcome.reasons if not _only_adjusts(reason.rule, outcome)))
    if outcome.outcome == "locked":
        reasons = ("Surplus lines open only when every admitted carrier of the line declines",)
    return ProductView(
        code=code,
        carrier=carrier,
        name=name,
        outcome=outcome.outcome,
        badge=_WORDS.get(outcome.outcome) or f"Needs {counted(missing, 'answer')}",
        premium="" if outcome.premium is None else money(outcome.premium, currency),
        kind=_kind(reading, outcome),
        reasons=reasons,
        missing=tuple(link_to(reading, path) for path in outcome.missing[:LISTED_MISSING]),
        more_missing=max(0, missing - LISTED_MISSING),
        adjustments=tuple(_adjustment(reading, found) for found in outcome.adjustments),
    )


def _only_adjusts(rule: str, outcome: ProductOutcome) -> bool:
    return any(found.rule == rule for found in outcome.adjustments)


def _adjustment(reading: Reading, found: Adjustment) -> str:
    known = reading.catalogue.questions.get(Path(found.path).code)
    kind, labels = (
        (known.question.type, reading.catalogue.choices(known.question) if known.question.choices else {})
        if known
        else ("", {})
    )
    asked = reading.visibility.text(found.path, found.asked, tag=found.tag)
    return f"{reading.label(found.path)}: rated with {reading_text(kind, found.rated, labels)}, requested {asked}"


def _summary(reading: Reading) -> str:
    outcomes = reading.evaluation.eligibility
    open_ones = [found for found in outcomes.values() if found.outcome in ("eligible", "refer")]
    prices = [found.premium for found in open_ones if found.premium is not None]
    if not outcomes:
        return "No products yet"
    summary = f"{len(open_ones)} of {counted(len(outcomes), 'product')} open"
    return f"{summary} · from {money(min(prices), reading.catalogue.definition.currency)}" if prices else summary
