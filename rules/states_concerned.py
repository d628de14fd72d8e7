"""The states that concern each product of a decided document, as its base check has them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from copies.document import Document
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation
from rules.incremental.decided_state import DecidedState
from rules.language.values import Value


def states_by_line(
    catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation, *, products: Iterable[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the known states, sorted, that concern the line of each of ``products``, by line.

    ``document`` must be as the check flow left it when it returned ``evaluation`` under ``catalogue``. Raises
    ``KeyError`` for an unknown product.
    """
    state = DecidedState(catalogue, document, evaluation)
    found: dict[str, tuple[str, ...]] = {}
    for product in products:
        compiled = catalogue.products[product]
        if compiled.product.line not in found:
            found[compiled.product.line] = _known(compiled.line.states.evaluate(state.root))
    return found


def _known(value: Value) -> tuple[str, ...]:
    # A state that is unknown, or of a row that may not count, concerns nobody yet.
    return tuple(sorted({item for item in value if isinstance(item, str)})) if isinstance(value, list) else ()
