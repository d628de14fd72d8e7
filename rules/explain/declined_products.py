"""The one sentence beside each declined product of a form that says what would take its decline back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from copies.document import Document
from rules.definition.model import CompiledCatalogue, CompiledProduct
from rules.explain.conditions import Visibility
from rules.explain.declines import DECLINING
from rules.explain.ways_back import MOST_DECISIONS, WaysBack
from rules.flow.eligibility import base_checks
from rules.flow.shown_questions import decide
from rules.flow.state import Reveal, State
from rules.language.expressions import Expression


def ways_back_of(  # noqa: PLR0913 - the document's surroundings are four
    catalogue: CompiledCatalogue,
    document: Document,
    products: Sequence[str],
    *,
    as_of: date,
    reveal: Reveal,
    visibility: Visibility,
    most: int = MOST_DECISIONS,
) -> dict[str, str]:
    """Return, by code, what would take the decline of each of the declined ``products`` back, "" without a way.

    All of them together decide changed forms at most ``most`` times; what one product does not need is for those after
    it.
    """
    state = State(catalogue, document, as_of=as_of, reveal=reveal)
    decide(state)
    found, left = dict[str, str](), most
    for place, code in enumerate(products):
        share = left // (len(products) - place)
        product = catalogue.products[code]
        finder = WaysBack(state, product, visibility, most=share)
        found[code] = finder.of_decline(_reasons(state, product))[1]
        left -= share - finder.left
    return found


def _reasons(state: State, product: CompiledProduct) -> dict[str, Expression | None]:
    """Return the reasons for which a product declines with their conditions; base checks have none."""
    checks = dict.fromkeys(check.id for check in base_checks(state, product) if check.declines is True)
    rules = {
        rule.rule.id: rule.when
        for rule in product.rules
        if rule.rule.then in DECLINING and rule.when.evaluate(state.root) is True
    }
    return {**checks, **rules}
