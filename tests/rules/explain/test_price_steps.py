"""The steps of a price show what is rated only to readers who may see everything that the step reads."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from copies.document import Answer
from presentation.visibility import Reader, Visibility
from rules.explain.trace import PriceStep, explain
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document

#: An income and weights that no rate or other number of the catalogue contains.
INCOME, WEIGHTS = 77377, (23, 31)


def table_step(changed: str, sensitivity: str, *, sees_personal: bool) -> tuple[PriceStep, int]:
    """Return the step of the rate table, which reads weights and the income, and the number of personal values that are
    shown; ``changed`` is the sensitive question.
    """
    source: dict[str, Any] = copy.deepcopy(BOARDING)
    for part in source["question_sets"]:
        for question in part["questions"]:
            if question["code"] == changed:
                question["sensitivity"] = sensitivity
    source["products"][0]["rating"]["tables"][0]["times"] = "income"
    catalogue = boarding(**source)
    made = document({**ANSWERS, "income": INCOME})
    for row, weight in zip(made.answer_pools["kennels"][0].answer_pools["pets"], WEIGHTS, strict=True):
        row.answers["weight"] = Answer(value=weight)
    visibility = Visibility(catalogue, Reader(sees_personal=sees_personal))
    explained = explain(
        catalogue,
        made,
        "premium:PAW-CARE",
        as_of=AS_OF,
        reveal=lambda path, answer: answer.value,
        visibility=visibility,
    )
    return next(step for step in explained.premium_steps if step.kind == "table"), visibility.personal_shown


@pytest.mark.parametrize("changed", ["weight", "income", "species"])
@pytest.mark.parametrize(
    ("sensitivity", "sees_personal", "is_shown"),
    [("", False, True), ("pii", True, True), ("pii", False, False), ("spi", True, False), ("spi", False, False)],
)
def test_a_rate_table_shows_what_it_reads(
    changed: str, sensitivity: str, *, sees_personal: bool, is_shown: bool
) -> None:
    step, personal_shown = table_step(changed, sensitivity, sees_personal=sees_personal)

    assert step.label
    assert (personal_shown > 0) is (sensitivity == "pii" and is_shown)
    if is_shown:
        assert step.base == str(sum(WEIGHTS))
        assert "77,377" in step.rate
    else:
        assert (step.base, step.rate) == ("", "")
