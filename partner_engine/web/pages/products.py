"""The panel on the right of the form page: products with outcome, premium, and reasons, then messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.quote_foot import CardQuote, RequestFoot, build_foot
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, money
from presentation.product_names import carrier_and_line
from rules.flow.evaluation import Adjustment, ProductOutcome

#: The number of missing answers that are listed for a product.
LISTED_MISSING: Final = 3
#: The number of missing answers that are listed for a guest.
LISTED_LEFT: Final = 8
#: Badges: their words and styles by outcome.
_BADGES: Final = {
    "eligible": ("Eligible", "eligible"),
    "refer": ("Refer", "refer"),
    "decline": ("Declined", "decline"),
    "locked": ("Locked", "locked"),
}
#: The badge of a product whose outcome or price still needs an answer.
_SO_FAR: Final = ("Open so far", "so-far")
_OPEN: Final = ("eligible", "refer", "need_info")


@dataclass(frozen=True)
class Missing:
    """What is missing, in words, with the first missing answers as links, and the number of the others."""

    text: str
    links: tuple[Link, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class ProductView:
    """One product with its outcome. ``missing`` says what its outcome and its price still need.

    ``was`` is the premium before the save that the page shows, if it was another; ``moved`` is then "odd" or "even", as
    the version is. ``last_year`` is the premium of the term before, in a renewal. ``quote`` is the state of its quote
    request, if there is one, ``gate`` why the agency cannot place it; with ``may_request`` it has a check box for the
    foot.
    """

    code: str
    carrier: str
    name: str
    badge: str
    style: str
    premium: str
    was: str
    last_year: str
    kind: str
    reasons: tuple[str, ...]
    missing: tuple[Missing, ...]
    adjustments: tuple[str, ...]
    quote: CardQuote | None = None
    gate: str = ""
    may_request: bool = False
    moved: str = ""

    @property
    def heading(self) -> dict[str, str | bool]:
        """Return what the heading of the card shows: nothing but names of the catalogue, and whether it has a box."""
        return {"code": self.code, "carrier": self.carrier, "name": self.name, "may_request": self.may_request}


@dataclass(frozen=True)
class LineView:
    """The products of one line of business. ``kind`` is that of all its premiums, "" if they differ."""

    code: str
    title: str
    kind: str
    products: tuple[ProductView, ...]


@dataclass(frozen=True)
class MessageView:
    """A warning, note, or task with its place."""

    kind: str
    word: str
    text: str
    link: Link


@dataclass(frozen=True)
class Panel:
    """The whole panel. ``summary`` is its one line for narrow screens, ``counts`` the numbers of needed answers,
    ``left`` the missing answers for guests, and ``to_agent`` those that they left to the agent. ``foot`` says what can
    be requested, ``declines`` that the page of declines has something to show. ``lines`` are the products by line.
    """

    products: tuple[ProductView, ...]
    messages: tuple[MessageView, ...]
    summary: str
    empty: Link | None
    counts: str = ""
    left: tuple[Link, ...] = ()
    more_left: int = 0
    to_agent: tuple[Link, ...] = ()
    sells: bool = True
    foot: RequestFoot | None = None
    declines: bool = False
    lines: tuple[LineView, ...] = ()


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
    foot = build_foot(reading)
    products = tuple(_product(reading, code, eligibility[code], foot) for code in codes)
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
    sells = bool(reading.catalogue.products)
    return Panel(
        products,
        messages,
        _summary(reading),
        link_to(reading, question) if sells and not products and question else None,
        counts=_counts(reading) if products else "",
        sells=sells,
        foot=foot if products else None,
        declines=any(outcome.outcome == "decline" for outcome in eligibility.values()),
        lines=tuple(_lines(reading, products)),
    )


def _guests_panel(reading: Reading) -> Panel:
    """Return the panel for a guest: what they can answer, and what they left to the agent, without products."""
    needed = reading.left_to_quote
    left = tuple(link_to(reading, path) for path in needed[:LISTED_LEFT])
    summary = f"{counted(len(needed), 'answer')} left" if needed else "All answered"
    if reading.reader.has_finished:
        summary = "You are done"
    to_agent = tuple(
        link_to(reading, path)
        for path in reading.evaluation.needed.quote
        if reading.asks(path) and reading.is_left_to_agent(path)
    )
    return Panel((), (), summary, None, left=left, more_left=len(needed) - len(left), to_agent=to_agent[:LISTED_LEFT])


def errors(reading: Reading) -> tuple[tuple[Link, str], ...]:
    """Return the links and texts of the wrong answers, in the form's order."""
    found = (message for message in reading.told if message.kind == "error")
    return tuple((link_to(reading, message.path), message.text) for message in found)


def _lines(reading: Reading, products: tuple[ProductView, ...]) -> Iterator[LineView]:
    """Yield the lines of ``products``, which are in the order of their lines."""
    for code, group in groupby(products, key=lambda view: _line_of(reading, view.code)):
        views = tuple(group)
        kinds = {view.kind for view in views if view.premium}
        found = next((line for line in reading.catalogue.definition.lines if line.code == code), None)
        kind = kinds.pop() if len(kinds) == 1 else ""
        yield LineView(code, found.label if found else "No longer offered", kind, views)


def _line_of(reading: Reading, product: str) -> str:
    known = reading.catalogue.products.get(product)
    return known.product.line if known else ""


def _product(reading: Reading, code: str, outcome: ProductOutcome, foot: RequestFoot) -> ProductView:
    carrier, name = carrier_and_line(reading.catalogue, code)
    badge, style = _SO_FAR if _is_waiting(outcome) else _BADGES[outcome.outcome]
    currency = reading.catalogue.definition.currency
    was = _was(reading, code, outcome)
    return ProductView(
        code=code,
        carrier=carrier,
        name=name,
        badge=badge,
        style=style,
        premium="" if outcome.premium is None else money(outcome.premium, currency),
        was=was,
        last_year=_last_year(reading, code),
        kind=_kind(reading, outcome),
        reasons=_reasons(outcome),
        missing=tuple(_missing(reading, outcome)),
        adjustments=tuple(_adjustment(reading, found) for found in outcome.adjustments),
        quote=foot.quotes.get(code),
        gate=foot.gates.get(code, ""),
        may_request=foot.may_write and code in foot.products,
        moved=("odd" if reading.facts.version % 2 else "even") if was else "",
    )


def _is_waiting(outcome: ProductOutcome) -> bool:
    """Return whether an answer is missing that decides, or that prices an eligible product."""
    return outcome.outcome == "need_info" or (outcome.outcome == "eligible" and bool(outcome.missing_for_price))


def _kind(reading: Reading, outcome: ProductOutcome) -> str:
    """Return whether the premium is bindable, an indication, or an estimate because answers to quote are missing."""
    if outcome.premium is None:
        return ""
    if reading.evaluation.needed.quote:
        return "estimate"
    return "bindable" if outcome.bindable else "indication"


def _was(reading: Reading, code: str, outcome: ProductOutcome) -> str:
    before = reading.premiums_before.get(code)
    if before is None or before == outcome.premium:
        return ""
    return f"was {money(before, reading.catalogue.definition.currency)}"


def _last_year(reading: Reading, code: str) -> str:
    premium = reading.document.last_premiums.get(code)
    return "" if premium is None else f"last year {money(premium, reading.catalogue.definition.currency)}"


def _reasons(outcome: ProductOutcome) -> tuple[str, ...]:
    """Return the texts of the reasons; a declined product names apart what would only have referred it."""
    if outcome.outcome == "locked":
        return ("Surplus lines open only when every admitted carrier of the line declines",)
    declines = outcome.outcome == "decline"
    texts = (
        f"Would also refer: {reason.text}" if declines and reason.effect == "refer" else reason.text
        for reason in outcome.reasons
        if reason.effect != "adjust" or not _only_adjusts(reason.rule, outcome)
    )
    return tuple(dict.fromkeys(texts))


def _missing(reading: Reading, outcome: ProductOutcome) -> Iterator[Missing]:
    """Yield the missing answers that decide, then those that only the price needs, or why there is no price."""
    if outcome.missing:
        yield _listed(reading, _deciding(len(outcome.missing)), outcome.missing)
    if outcome.priced_by_carrier:
        yield Missing("Priced by the carrier")
    elif outcome.outcome in _OPEN and outcome.premium is None:
        yield _listed(reading, "No price yet", outcome.missing_for_price)


def _deciding(count: int) -> str:
    return f"{counted(count, 'answer')} {'decides' if count == 1 else 'decide'}"


def _listed(reading: Reading, text: str, paths: tuple[str, ...]) -> Missing:
    links = tuple(link_to(reading, path) for path in paths[:LISTED_MISSING])
    return Missing(text, links, len(paths) - len(links))


def _only_adjusts(rule: str, outcome: ProductOutcome) -> bool:
    return any(found.rule == rule for found in outcome.adjustments)


def _adjustment(reading: Reading, found: Adjustment) -> str:
    asked = reading.visibility.text(found.path, found.asked, tag=found.tag)
    rated = reading.visibility.read(found.path, found.rated)
    return f"{reading.label(found.path)}: rated with {rated}, requested {asked}"


def _counts(reading: Reading) -> str:
    """Return how many answers decide, price, quote and bind, each beyond those before it: ``1 answer decides · 26 more
    to quote``.
    """
    outcomes, needed = reading.evaluation.eligibility.values(), reading.evaluation.needed
    groups = (
        ("", {path for outcome in outcomes for path in outcome.missing}),
        ("for prices", {path for outcome in outcomes for path in outcome.missing_for_price}),
        ("to quote", set(needed.quote)),
        ("to bind", set(needed.bind)),
    )
    parts: list[str] = []
    counted_paths = set[str]()
    for words, paths in groups:
        more = len(paths - counted_paths)
        counted_paths |= paths
        if more:
            amount = f"{more} more" if parts else counted(more, "answer")
            parts.append(f"{amount} {words}" if words else _deciding(more))
    return " · ".join(parts)


def _summary(reading: Reading) -> str:
    """Return the products in one line: ``2 of 3 products open · from $2,451``, ``2 open so far, no price``."""
    outcomes = reading.evaluation.eligibility.values()
    if not reading.catalogue.products:
        needed = len(reading.evaluation.needed.quote)
        return f"{counted(needed, 'answer')} left" if needed else "Complete"
    if not outcomes:
        return "No products yet"
    open_ones = [found for found in outcomes if found.outcome in _OPEN]
    prices = [found.premium for found in open_ones if found.premium is not None]
    if any(map(_is_waiting, open_ones)):
        summary = f"{len(open_ones)} open so far"
    else:
        summary = f"{len(open_ones)} of {counted(len(outcomes), 'product')} open"
    if prices:
        return f"{summary} · from {money(min(prices), reading.catalogue.definition.currency)}"
    if all(found.priced_by_carrier for found in open_ones):
        return f"{summary}, priced by the carrier" if open_ones else summary
    return f"{summary}, no price"
