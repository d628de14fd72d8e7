"""Which copies a release concerns, by what decisions read; proved against deciding every copy."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from decisions.impact import EVERYTHING, NOTHING, Reach, reach_of
from rules.definition.catalogue import CatalogueDefinition, FormRule
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.moments import DATED, declining


def relabelled(base: CatalogueDefinition) -> CatalogueDefinition:
    first, *others = base.question_sets
    question, *rest = first.questions
    questions = (replace(question, label="The name", help="As on the sign"), *rest)
    return replace(base, title="Kennels", question_sets=(replace(first, title="Begin", questions=questions), *others))


@pytest.mark.parametrize(
    ("after", "reach"),
    [
        (DATED, NOTHING),
        (relabelled(DATED), NOTHING),
        (declining(), Reach(frozenset({"care"}))),
        (replace(DATED, products=KENNELS.products), Reach(frozenset({"care"}))),
        (replace(DATED, products=()), Reach(frozenset({"care"}))),
        (replace(DATED, choices={**DATED.choices, "states": {"TX": "Texas"}}), EVERYTHING),
        (replace(DATED, form_rules=(FormRule(id="K", when="true", then="warn", at="state", say="!"),)), EVERYTHING),
    ],
)
def test_a_release_reaches_the_copies_that_read_what_it_changes(after: CatalogueDefinition, reach: Reach) -> None:
    assert reach_of(DATED, after) == reach


def test_a_product_that_moves_to_another_line_concerns_both() -> None:
    first, second = KENNELS.products
    moved = replace(KENNELS, products=(first, replace(second, line="premises")))

    assert reach_of(KENNELS, moved) == Reach(frozenset({"care", "premises"}))
    assert reach_of(KENNELS, moved).concerns(["premises"])
    assert reach_of(KENNELS, replace(KENNELS, products=(second, first))) == EVERYTHING
    assert not reach_of(DATED, declining()).concerns(["premises"])
