"""The foot of the products panel: what can be requested from the answers, and what is missing if nothing can. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.quote_facts import ASKED_AGAIN, NOT_SENT, QuoteFacts, count_requests, shown_requests
from partner_engine.web.pages.quote_grid import open_products
from partner_engine.web.pages.quote_states import Clock, StateView, state_view
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, money
from rules.flow.evaluation import ProductOutcome


@dataclass(frozen=True, kw_only=True)
class CardQuote:
    """The quote of one product, in its card: its state and premium, and whether the premium counts."""

    state: StateView
    premium: str = ""
    is_gone: bool = False
    is_bindable: bool = False


@dataclass(frozen=True, kw_only=True)
class RequestFoot:
    """The foot. ``products`` are those that can be requested, ``gates`` the words of those that the agency cannot
    place, ``quotes`` the states in the cards by product. ``missing`` says why nothing can be requested.
    """

    products: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    quotes: Mapping[str, CardQuote]
    gates: Mapping[str, str]
    missing: str = ""
    link: Link | None = None
    number: int = 0
    may_write: bool = True

    @property
    def label(self) -> str:
        """Return the label of the button with everything that can be requested checked."""
        return f"Request {counted(len(self.products), 'quote')}"

    @property
    def shown(self) -> str:
        """Return the label of the link to the quotes."""
        again = f", {len(self.again)} to ask again" if self.again else ""
        return f"Show {counted(self.number, 'quote')}{again}"


def build_foot(reading: Reading) -> RequestFoot:
    """Return the foot of the panel of ``reading``."""
    shown = shown_requests(reading.quotes)
    products = open_products(reading, shown)
    number = count_requests(shown)
    missing, link = _missing(reading, products, number)
    return RequestFoot(
        products=() if missing else products,
        again=tuple(found.id for found in shown if found.state in ASKED_AGAIN),
        quotes={found.product: _card(reading, found) for found in shown if found.state not in NOT_SENT},
        gates={code: gate.text for code, gate in reading.gates.items()},
        missing=missing,
        link=link,
        number=number,
        may_write=reading.is_writable,
    )


def _missing(reading: Reading, products: tuple[str, ...], number: int) -> tuple[str, Link | None]:
    """Return why nothing can be requested, with a link to the place where that changes; "" if something can."""
    needed = reading.left_to_quote
    if needed:
        return f"{counted(len(needed), 'answer')} missing to request quotes", link_to(reading, needed[0])
    if products or number:
        return "", None
    outcomes = reading.evaluation.eligibility.values()
    if not outcomes:
        return "", None
    is_open = any(map(_is_open, outcomes))
    return "No open product can be placed by your agency" if is_open else "No product is open", None


def _is_open(outcome: ProductOutcome) -> bool:
    return outcome.outcome in ("eligible", "refer")


def _card(reading: Reading, quote: QuoteFacts) -> CardQuote:
    carriers = reading.catalogue.definition.carriers
    link = next((found.link for found in carriers if found.code == quote.carrier), None)
    currency = reading.catalogue.definition.currency
    clock = Clock(reading.reader.zone, reading.reader.now)
    return CardQuote(
        state=state_view(quote, link, clock, currency=currency),
        premium=money(quote.premium, currency) if quote.premium is not None else "",
        is_gone=quote.state in ("stale", "expired"),
        is_bindable=quote.can_be_bound,
    )
