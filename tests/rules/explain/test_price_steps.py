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
    """Return the step of the rate table, and the number of personal values that are shown."""
    steps, personal_shown = price_steps(changed, sensitivity, sees_personal=sees_personal)
    return next(step for step in steps if step.kind == "table"), personal_shown


def price_steps(changed: str, sensitivity: str, *, sees_personal: bool) -> tuple[tuple[PriceStep, ...], int]:
    """Return the steps of a premium whose rate table reads weights and the income, and the number of personal values
    that are shown; ``changed`` is the sensitive question.
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
    return explained.premium_steps, visibility.personal_shown


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


@pytest.mark.parametrize("sensitivity", ["pii", "spi"])
@pytest.mark.parametrize("changed", ["weight", "income", "species"])
def test_a_hidden_value_cannot_be_computed_from_the_amounts_beside_it(changed: str, sensitivity: str) -> None:
    steps, _ = price_steps(changed, sensitivity, sees_personal=False)
    open_steps, _ = price_steps(changed, "", sees_personal=False)

    first = next(place for place, step in enumerate(steps) if step.is_hidden)
    for place, (step, shown) in enumerate(zip(steps, open_steps, strict=True)):
        figures = (step.amount, step.part, step.total)
        if place < first:
            assert figures == (shown.amount, shown.part, shown.total)
        elif step.is_hidden:
            assert figures == (None, None, None)
        else:
            # An amount that is made of visible values alone stays; no total does.
            assert figures == (shown.amount, shown.part, None)
    assert first == (0 if changed == "income" else 1)
    # Factors and the minimum are shares of the total before them.
    assert all(step.is_hidden for step in steps[first:] if step.kind not in ("term", "table"))
