"""The differences of two definitions are reported part by part."""

from __future__ import annotations

import msgspec
import pytest

from partner_engine.definition_comparison import Difference, compare
from rules.definition.catalogue import CatalogueDefinition, Derived, Factor, Rating
from tests.harness.kennel_catalogue import KENNELS

PRODUCT = KENNELS.products[0]


def changed(**fields: object) -> CatalogueDefinition:
    return msgspec.structs.replace(KENNELS, **fields)


def test_equal_definitions_do_not_differ() -> None:
    assert compare(KENNELS, KENNELS) == ()


def test_everything_is_new_at_first() -> None:
    found = compare(None, KENNELS)

    assert Difference("question_sets[start]", "added", "", "The kennel") in found
    assert {difference.kind for difference in found} == {"added", "changed"}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (changed(title="Kennels"), Difference("title", "changed", "Boarding kennels", "Kennels")),
        (changed(derived=(Derived(code="d_a", value="1"),)), Difference("derived[d_a]", "added", "", "1")),
        (changed(form_rules=()), Difference("form_rules[K-01]", "removed", "Many cats - check", "")),
        (changed(question_sets=KENNELS.question_sets[::-1]), Difference("question_sets", "reordered")),
        (
            changed(choices={**KENNELS.choices, "states": {"OH": "Ohio", "TX": "Texas"}}),
            Difference("choices[states]", "reordered"),
        ),
        (
            changed(products=(msgspec.structs.replace(PRODUCT, states=None), *KENNELS.products[1:])),
            Difference("products[PA-CARE].states", "changed", "TX, OH", "all"),
        ),
        (
            changed(
                products=(
                    msgspec.structs.replace(
                        PRODUCT,
                        rating=Rating(
                            minimum="300",
                            terms=PRODUCT.rating.terms,
                            factors=(Factor(id="cats", when="has_cats", times="1.2"),),
                        ),
                    ),
                    *KENNELS.products[1:],
                )
            ),
            Difference("products[PA-CARE].rating.factors[cats]", "added", "", "has_cats"),
        ),
    ],
)
def test_a_difference_is_reported_at_its_place(definition: CatalogueDefinition, expected: Difference) -> None:
    assert compare(KENNELS, definition) == (expected,)
