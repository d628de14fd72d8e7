"""One row of a grid of quotes: a request, or a product without one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from urllib.parse import quote_plus

from partner_engine.web.pages.quote_facts import ASKED_AGAIN, RUNNING, Gate, QuoteFacts
from partner_engine.web.pages.quote_states import Clock, StateView, state_view
from presentation.best_premiums import OFFERED
from presentation.formats import counted, listed, money, number, reading_text
from presentation.product_names import carrier_and_line
from rules.definition.catalogue import Link
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import ProductOutcome
from rules.payload import source_of

#: Requests of a carrier whose answers people enter.
_MANUAL: Final = "manual"
_ENTERED: Final = frozenset({"submitted", "estimated", "referred", "quoted"})
_WITHDRAWN_BY_AGENTS: Final = frozenset({"queued", "submitted", "estimated"})
_OUTCOMES: Final = {"decline": ("Declined", "decline"), "locked": ("Locked", ""), "refer": ("Refer", "refer")}
#: Changes that a row names; the others are in the opened row.
LISTED_CHANGES: Final = 2


_GATES: Final = {"not_licensed": "Not licensed", "not_appointed": "Not appointed"}


@dataclass(frozen=True)
class ChangeView:
    """One value that the carrier offers instead of the one asked."""

    label: str
    asked: str
    offered: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class QuoteRowView:
    """One row. ``id`` is that of the request, "" for a product without one; ``key`` is unique on the page.

    ``premium_kind`` is ``firm``, ``open`` (an estimate or indication), ``ours`` (our indication) or ``gone``.
    ``order`` is what a checked row orders: ``request``, ``ask-again``, or "" for a row that cannot be checked.
    ``actions`` are the row's own: bind, details, withdraw, ask-again, enter, why, request.
    """

    key: str
    id: str
    copy_id: str
    product: str
    carrier: str
    name: str
    state: StateView
    code: str = ""
    asked: str = ""
    premium: str = ""
    premium_kind: str = ""
    difference: str = ""
    difference_tone: str = ""
    valid_until: str = ""
    changes: tuple[ChangeView, ...] = ()
    more_changes: int = 0
    order: str = ""
    actions: tuple[str, ...] = ()
    copy_title: str = ""
    insured: str = ""
    left_to_do: int = 0

    @property
    def bind_address(self) -> str:
        """Return the address of the page that binds the quote."""
        return f"/forms/{self.copy_id}/bind/{self.id}"

    @property
    def details_address(self) -> str:
        """Return the address of the opened row: the request's, or the explanation of a product without one."""
        if self.id:
            return f"/forms/{self.copy_id}/quotes/{self.id}"
        return f"/forms/{self.copy_id}/why?target={quote_plus(self.product)}"

    @property
    def is_gone(self) -> bool:
        """Return whether the premium no longer counts."""
        return self.premium_kind == "gone"


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """What rows are made of: a catalogue, the reader's clock, and who may order.

    ``left_to_do`` is the number of open subjectivities by request; ``titles`` are the names of copies by id, for lists
    of several copies.
    """

    catalogue: CompiledCatalogue
    clock: Clock
    may_write: bool = True
    titles: Mapping[str, str] = field(default_factory=dict)
    left_to_do: Mapping[str, int] = field(default_factory=dict)
    insured: str = ""

    @property
    def currency(self) -> str:
        """Return the currency of the premiums."""
        return self.catalogue.definition.currency

    def link_of(self, carrier: str) -> Link | None:
        """Return the link of ``carrier`` in the catalogue, None for an unknown one."""
        return next((found.link for found in self.catalogue.definition.carriers if found.code == carrier), None)


def build_request_row(source: RowSource, quote: QuoteFacts) -> QuoteRowView:
    """Return the row of one request."""
    carrier, name = carrier_and_line(source.catalogue, quote.product)
    link = source.link_of(quote.carrier)
    changes = tuple(change_view(source.catalogue, quote, found) for found in quote.changes)
    difference, tone = _difference(quote, source.currency)
    return QuoteRowView(
        key=quote.id,
        id=quote.id,
        copy_id=quote.copy_id,
        product=quote.product,
        carrier=carrier,
        name=name,
        state=state_view(quote, link, source.clock, currency=source.currency),
        code=quote.state,
        asked=asked_text(source.catalogue, quote.asked),
        premium=money(quote.premium, source.currency) if quote.premium is not None else "",
        premium_kind=_premium_kind(quote),
        difference=difference,
        difference_tone=tone,
        valid_until=_short_day(quote.valid_until, source.clock),
        changes=changes[:LISTED_CHANGES],
        more_changes=max(0, len(changes) - LISTED_CHANGES),
        order=_order(quote) if source.may_write else "",
        actions=tuple(_actions(quote, link)) if source.may_write else ("details",),
        copy_title=source.titles.get(quote.copy_id, ""),
        insured=source.insured,
        left_to_do=source.left_to_do.get(quote.id, 0),
    )


def build_product_row(
    source: RowSource, copy_id: str, code: str, outcome: ProductOutcome, gate: Gate | None
) -> QuoteRowView:  # fmt: skip
    """Return the row of a product that has no request: why not, or that it can be requested."""
    carrier, name = carrier_and_line(source.catalogue, code)
    state, is_open = _product_state(source.catalogue, code, outcome, gate)
    may_request = is_open and source.may_write
    return QuoteRowView(
        key=f"product-{code}",
        id="",
        copy_id=copy_id,
        product=code,
        carrier=carrier,
        name=name,
        state=state,
        code="open" if is_open else "closed",
        premium=money(outcome.premium, source.currency) if is_open and outcome.premium is not None else "",
        premium_kind="ours",
        order="request" if may_request else "",
        actions=("request",) if may_request else ("why",),
    )


def can_be_requested(outcome: ProductOutcome) -> bool:
    """Return whether the rules let a product be requested: open, with nothing missing that decides it."""
    return outcome.outcome in ("eligible", "refer") and not outcome.missing


def change_view(catalogue: CompiledCatalogue, quote: QuoteFacts, change: Mapping[str, Any]) -> ChangeView:
    """Return what a carrier changed, in the words of the question if it is one of the form."""
    source = source_of(catalogue, quote.product, str(change.get("field") or ""))
    code = str(change.get("path") or (source.path if source else ""))
    label = str(change.get("label") or (source.label if source else change.get("field") or ""))
    asked, offered = (_text(catalogue, code, change.get(side)) for side in ("asked", "offered"))
    return ChangeView(label, asked, offered, str(change.get("reason") or ""))


def asked_text(catalogue: CompiledCatalogue, asked: tuple[Mapping[str, Any], ...]) -> str:
    """Return what was asked in one line: the chosen limits and deductibles, the first one without its label.

    Without any of them it is the first value. The opened row has everything that was sent.
    """
    chosen = [found for found in asked if _is_choice(catalogue, str(found.get("path") or ""))] or list(asked[:1])
    return " · ".join(
        text if not place else f"{_short_label(found)} {text}"
        for place, found in enumerate(chosen)
        if (text := _text(catalogue, str(found.get("path") or ""), found.get("value")))
    )


def _short_label(asked: Mapping[str, Any]) -> str:
    """Return a label in lower case without its part in parentheses."""
    return str(asked.get("label") or "").partition(" (")[0].lower()


def _is_choice(catalogue: CompiledCatalogue, code: str) -> bool:
    known = catalogue.questions.get(code)
    return known is not None and bool(known.question.choices)


def _text(catalogue: CompiledCatalogue, code: str, value: Any) -> str:
    """Return a stored or sent value as people read it."""
    if value is None:
        return ""
    known = catalogue.questions.get(code)
    if known is None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return number(value) if is_number else reading_text("", value, {})
    labels = catalogue.choices(known.question) if known.question.choices else {}
    return reading_text(known.question.type, value, labels, catalogue.definition.currency)


def _premium_kind(quote: QuoteFacts) -> str:
    if quote.premium is None:
        return ""
    if quote.state in ("stale", "expired", "withdrawn", "failed", "declined", "blocked"):
        return "gone"
    return "firm" if quote.is_bindable and quote.state in OFFERED else "open"


def _difference(quote: QuoteFacts, currency: str) -> tuple[str, str]:
    """Return the difference of the premium to our indication, and its tone: ``more``, ``less`` or ``same``."""
    if quote.premium is None or quote.indication is None or _premium_kind(quote) == "gone":
        return "", ""
    difference = quote.premium - quote.indication
    if not difference:
        return "same", "same"
    sign, tone = ("+", "more") if difference > 0 else ("−", "less")  # noqa: RUF001 - a minus sign
    return f"{sign}{money(abs(difference), currency)}", tone


def _order(quote: QuoteFacts) -> str:
    if quote.state in ("draft", "withdrawn"):
        return "request"
    return "ask-again" if quote.state in ASKED_AGAIN | {"declined", "quoted"} else ""


def _actions(quote: QuoteFacts, link: Link | None) -> Iterator[str]:
    """Yield what an agent can order for a request, the main thing first."""
    is_manual = link is not None and link.mode == _MANUAL and quote.state in _ENTERED
    if is_manual and quote.state != "quoted":
        yield "enter"
    if quote.can_be_bound:
        yield "details" if quote.changes and quote.state != "selected" else "bind"
    elif quote.state in ASKED_AGAIN:
        yield "ask-again"
    elif quote.state in _WITHDRAWN_BY_AGENTS and not is_manual:
        yield "withdraw"
    elif quote.state in ("draft", "withdrawn"):
        yield "request"
    elif not is_manual or quote.state == "quoted":
        yield "details"


def _product_state(
    catalogue: CompiledCatalogue, code: str, outcome: ProductOutcome, gate: Gate | None
) -> tuple[StateView, bool]:  # fmt: skip
    """Return the state of a product without a request, and whether it can be requested."""
    if gate is not None and outcome.outcome != "decline":
        return StateView(_GATES.get(gate.code, "Not available"), "needed", detail=gate.text), False
    if outcome.outcome == "need_info" or outcome.missing:
        count = len(outcome.missing)
        return StateView(f"Needs {counted(count, 'answer')}" if count else "Needs answers", "needed"), False
    reason = next((found.text for found in outcome.reasons if found.effect != "adjust"), "")
    if outcome.outcome == "locked":
        return StateView("Locked", "", detail=_opens_if(catalogue, code)), False
    if outcome.outcome == "decline":
        return StateView("Declined", "decline", "by our rules, no call made", reason), False
    if outcome.outcome == "refer":
        return StateView("Open", "refer", "the carrier will look at it", reason), True
    return StateView("Open", "eligible", "not requested yet"), True


def _opens_if(catalogue: CompiledCatalogue, code: str) -> str:
    """Return what opens a locked product: the declines of the admitted carriers of its line."""
    product = catalogue.products.get(code)
    if product is None:
        return ""
    admitted = {found.code for found in catalogue.definition.carriers if found.admitted}
    names = dict.fromkeys(
        carrier_and_line(catalogue, other.code)[0]
        for other in catalogue.definition.products
        if other.line == product.product.line and other.carrier in admitted
    )
    return f"opens if {listed(names)} {'declines' if len(names) == 1 else 'decline'}" if names else ""


def _short_day(value: date | None, clock: Clock) -> str:
    """Return a date as ``Dec 28``, with its year if that is another one."""
    if value is None:
        return ""
    year = "" if value.year == clock.now.astimezone(clock.zone).year else f", {value.year}"
    return f"{value:%b} {value.day}{year}"


def is_running(row: QuoteRowView) -> bool:
    """Return whether the carrier has not answered for good."""
    return row.code in RUNNING
