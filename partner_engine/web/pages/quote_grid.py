"""The grid of a form's quotes, grouped by line: its rows, counts, orders and foot. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.quote_facts import (
    ANSWERED,
    ASKED_AGAIN,
    NOT_SENT,
    RUNNING,
    QuoteFacts,
    count_requests,
    shown_requests,
)
from partner_engine.web.pages.quote_rows import (
    QuoteRowView,
    RowSource,
    build_product_row,
    build_request_row,
    can_be_requested,
)
from partner_engine.web.pages.reading import Reading
from presentation.best_premiums import best_offers
from presentation.formats import counted, money
from rules.definition.model import CompiledCatalogue


@dataclass(frozen=True)
class LineGroup:
    """The rows of one line of business."""

    title: str
    rows: tuple[QuoteRowView, ...]


@dataclass(frozen=True, kw_only=True)
class QuoteGrid:
    """The whole grid.

    ``counts`` is its head ("3 answered · 1 running · 1 stale"); ``open_products`` can be requested, ``again`` are the
    requests that can be sent again. ``missing`` are the answers without which nothing can be requested. ``best`` is the
    sum of the best bindable quote of each line. ``saved_calls`` is the number of products that our rules decline.
    """

    groups: tuple[LineGroup, ...]
    counts: str = ""
    number: int = 0
    open_products: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    missing: tuple[Link, ...] = ()
    missing_count: int = 0
    best: str = ""
    best_kind: str = ""
    saved_calls: int = 0
    declined_lines: int = 0
    offers: int = 0
    running: int = 0
    empty: str = ""
    may_write: bool = True
    copy_id: str = ""

    @property
    def declines_address(self) -> str:
        """Return the address of the page with the declines of the copy."""
        return f"/forms/{self.copy_id}/declines"

    @property
    def has_requests(self) -> bool:
        """Return whether anything was requested."""
        return self.number > 0

    @property
    def can_request(self) -> bool:
        """Return whether a product can be requested now."""
        return bool(self.open_products) and not self.missing_count


@dataclass(frozen=True, kw_only=True)
class GridSource:
    """What the grid of one copy, or of all copies of its form, is made of."""

    reading: Reading
    rows: RowSource
    requests: tuple[QuoteFacts, ...]
    all_copies: bool = False


def build_grid(source: GridSource) -> QuoteGrid:
    """Return the grid of ``source``."""
    reading = source.reading
    shown = [found for found in shown_requests(source.requests) if found.product in reading.catalogue.products]
    rows = [build_request_row(source.rows, found) for found in shown]
    waiting = open_products(reading, shown)
    if not source.all_copies:
        rows += _rows_without_request(source, shown)
    needed = reading.left_to_quote
    best, kind = best_per_line(reading.catalogue, shown)
    outcomes = reading.evaluation.eligibility.values()
    return QuoteGrid(
        groups=_by_line(reading.catalogue, rows),
        counts=counts_text(found.state for found in shown),
        number=count_requests(tuple(shown)),
        open_products=waiting,
        again=tuple(found.id for found in shown if found.state in ASKED_AGAIN and found.copy_id == reading.facts.id),
        missing=tuple(link_to(reading, path) for path in needed[:3]),
        missing_count=len(needed),
        best="" if source.all_copies or best is None else money(best, source.rows.currency),
        best_kind=kind,
        saved_calls=sum(found.outcome == "decline" for found in outcomes),
        declined_lines=sum(found.outcome == "decline" for found in outcomes),
        offers=sum(found.is_offered and found.copy_id == reading.facts.id for found in shown),
        running=sum(found.state in RUNNING for found in shown),
        empty=_empty(reading),
        may_write=reading.is_writable,
        copy_id=reading.facts.id,
    )


def open_products(reading: Reading, requests: Iterable[QuoteFacts]) -> tuple[str, ...]:
    """Return the products of the shown copy that can be requested and are not, in the order of the catalogue."""
    asked = {found.product for found in requests if found.copy_id == reading.facts.id and found.state not in NOT_SENT}
    return tuple(
        product.code
        for product in reading.catalogue.definition.products
        if (outcome := reading.evaluation.eligibility.get(product.code)) is not None
        and can_be_requested(outcome)
        and product.code not in asked
        and product.code not in reading.gates
    )


def counts_text(states: Iterable[str]) -> str:
    """Return how many requests are answered, running, stale and so on: ``3 answered · 1 running · 1 stale``."""
    words = Counter(_count_word(state) for state in states)
    order = ("answered", "running", "stale", "failed", "expired")
    return " · ".join(f"{words[word]} {word}" for word in order if words[word])


def best_per_line(catalogue: CompiledCatalogue, requests: Iterable[QuoteFacts]) -> tuple[int | None, str]:
    """Return the sum of the lowest offered premium of each line, bindable ones first, and what it is."""
    best = best_offers(catalogue, requests)
    if not best:
        return None, ""
    is_bindable = not any(is_indication for is_indication, _ in best.values())
    return sum(premium for _, premium in best.values()), "bindable" if is_bindable else "partly indications"


def _rows_without_request(source: GridSource, shown: Iterable[QuoteFacts]) -> list[QuoteRowView]:
    asked = {found.product for found in shown}
    copy_id, eligibility = source.reading.facts.id, source.reading.evaluation.eligibility
    return [
        build_product_row(source.rows, copy_id, code, outcome, source.reading.gates.get(code))
        for code, outcome in eligibility.items()
        if code not in asked and code in source.reading.catalogue.products
    ]


def _by_line(catalogue: CompiledCatalogue, rows: Iterable[QuoteRowView]) -> tuple[LineGroup, ...]:
    """Return ``rows`` grouped by line, in the order of the catalogue's lines and products."""
    places = {product.code: place for place, product in enumerate(catalogue.definition.products)}
    found: dict[str, list[QuoteRowView]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: places[row.product]):
        found[catalogue.products[row.product].product.line].append(row)
    return tuple(
        LineGroup(line.label, tuple(found[line.code])) for line in catalogue.definition.lines if found[line.code]
    )


def _count_word(state: str) -> str:
    if state in ANSWERED:
        return "answered"
    return "running" if state in RUNNING else state


def _empty(reading: Reading) -> str:
    """Return what to do where the grid has no row, "" if it has some."""
    if reading.evaluation.eligibility:
        return ""
    if not reading.catalogue.products:
        return "This application has no products, so there is nothing to quote."
    needed = reading.left_to_quote
    return f"No product is open yet. {counted(len(needed), 'answer').capitalize()} left to quote." if needed else ""
