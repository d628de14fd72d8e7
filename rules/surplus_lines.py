"""The surplus lines rules that concern one document, for pages, records and requests. Pure."""

from __future__ import annotations

from typing import NamedTuple

from copies.document import Document
from rules.definition.model import CompiledCatalogue
from rules.definition.surplus import CompiledSurplusRule
from rules.flow.evaluation import Evaluation
from rules.flow.surplus import requirement_text, rules_in_force
from rules.incremental.decided_state import DecidedState


class SurplusInForce(NamedTuple):
    """The rules for a surplus product in the states concerned, on the day of the decision. ``rules`` are those of the
    catalogue, empty while a state is unknown; ``requirement`` says what opens the product ("every admitted product of
    the line declines"), ``disclosures`` are the texts that must be shown with it.
    """

    rules: tuple[CompiledSurplusRule, ...]
    requirement: str

    @property
    def disclosures(self) -> tuple[str, ...]:
        """Return the texts that must be shown, each once."""
        return tuple(dict.fromkeys(rule.disclosure for rule in self.rules if rule.disclosure))


def surplus_rule_for(
    catalogue: CompiledCatalogue, document: Document, product: str, *, evaluation: Evaluation
) -> SurplusInForce | None:  # fmt: skip
    """Return the surplus lines rules for ``product``, None for a product of an admitted carrier.

    ``document`` must be as the check flow left it when it returned ``evaluation`` under ``catalogue``. Raises
    ``KeyError`` for an unknown product.
    """
    compiled = catalogue.products[product]
    if not compiled.is_surplus:
        return None
    found = rules_in_force(DecidedState(catalogue, document, evaluation), compiled)
    return SurplusInForce(tuple(rule for rule in found or () if rule.id), requirement_text(found))
