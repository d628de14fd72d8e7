"""The best product of each line by a copy's summary, and the one premium by which lists order copies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from forms.states import OPEN_OUTCOMES
from rules.definition.model import CompiledCatalogue

#: States of a quote that the customer can be offered.
OFFERED: Final = frozenset({"quoted", "selected", "bound"})


class PricedRequest(Protocol):
    """A quote request with what its price depends on."""

    @property
    def product(self) -> str:
        """Return the product's code."""
        ...

    @property
    def state(self) -> str:
        """Return the state of the request."""
        ...

    @property
    def premium(self) -> int | None:
        """Return the carrier's premium in whole units of the currency."""
        ...

    @property
    def is_bindable(self) -> bool:
        """Return whether the quote can be bound."""
        ...


def open_premiums(summary: Mapping[str, Any]) -> dict[str, int]:
    """Return the premiums of the open products."""
    outcomes, premiums = summary.get("outcomes", {}), summary.get("premiums", {})
    return {code: premium for code, premium in premiums.items() if outcomes.get(code) in OPEN_OUTCOMES}


def best_products(catalogue: CompiledCatalogue, summary: Mapping[str, Any]) -> dict[str, int]:
    """Return the premium of the best product of each line, by product: the lowest of an eligible one, else of a
    referred one.
    """
    best: dict[str, tuple[bool, int, str]] = {}
    for code, premium in open_premiums(summary).items():
        product = catalogue.products.get(code)
        if product is not None:
            found = (summary["outcomes"][code] != "eligible", premium, code)
            line = product.product.line
            best[line] = min(best.get(line, found), found)
    return {code: premium for _, premium, code in best.values()}


def best_offers(
    catalogue: CompiledCatalogue, requests: Iterable[PricedRequest], *, states: frozenset[str] = OFFERED
) -> dict[str, tuple[bool, int]]:
    """Return the lowest premium of the requests in ``states`` by line, bindable ones first: whether it is only an
    indication, and the premium.
    """
    best: dict[str, tuple[bool, int]] = {}
    for found in requests:
        if found.state in states and found.premium is not None and found.product in catalogue.products:
            line = catalogue.products[found.product].product.line
            offer = (not found.is_bindable, found.premium)
            best[line] = min(best.get(line, offer), offer)
    return best


def listed_premium(
    catalogue: CompiledCatalogue, summary: Mapping[str, Any], requests: Iterable[PricedRequest]
) -> int | None:
    """Return the premium by which a list orders the copy: the sum of the best quotes of its lines, else of its stale
    ones, else of our indications; None without any.
    """
    known = tuple(requests)
    for states in (OFFERED, frozenset({"stale"})):
        if offers := best_offers(catalogue, known, states=states):
            return sum(premium for _, premium in offers.values())
    ours = best_products(catalogue, summary)
    return sum(ours.values()) if ours else None
