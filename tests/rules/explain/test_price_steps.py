"""The steps of a price show what is rated only to readers who may see everything that the step reads."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from copies.document import Answer
from presentation.visibility import Reader, Visibility
from rules.definition.model import CompiledCatalogue
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

    # The income is in both parts. Weight and species are in one, which is what the premium lacks without the other.
    assert len(steps) == len(open_steps) > 1
    for step in steps:
        assert step.is_hidden
        assert (step.amount, step.part, step.total, step.rate) == (None, None, None, "")


#: A rate or factor that is nowhere else in an explanation.
RATE = "1.37"


def rated_by_many(random: Random) -> tuple[CompiledCatalogue, list[str]]:
    """Return a catalogue whose premium has one to five terms and up to two factors, and the questions of its terms, of
    which some are personal and the reader may not see those.
    """
    codes = [f"m{place}" for place in range(random.randint(1, 5))]
    source = copy.deepcopy(BOARDING)
    source["question_sets"][0]["questions"] += [
        {"code": code, "label": code, "type": "money", "sensitivity": random.choice(["", "", "pii"])} for code in codes
    ]
    source["products"][0]["rating"] = {
        "minimum": "0",
        "terms": [{"rate": RATE, "per": "1", "of": code} for code in codes],
        "factors": [
            {"id": f"f{place}", "when": "!exotic", "times": RATE} for place in range(random.randint(0, 2))
        ],
    }  # fmt: skip
    return boarding(**source), codes


def known_parts(steps: Sequence[PriceStep], premium: float) -> set[int]:
    """Return the places of the terms whose part a reader of ``steps`` knows, or computes from the others."""
    terms = [place for place, step in enumerate(steps) if step.kind == "term"]
    shows_rate = [RATE in f"{step.text} {step.rate}" for step in steps]
    known = {
        place for place in terms if steps[place].part is not None or (shows_rate[place] and steps[place].base != "")
    }
    # A total tells the part of its step where the total before it is known.
    totals = [0, *(step.total for step in steps)]
    known |= {place for place in terms if totals[place] is not None and totals[place + 1] is not None}
    factors = [place for place, step in enumerate(steps) if step.kind == "factor"]
    unknown = set(terms) - known
    if len(unknown) == 1 and all(shows_rate[place] for place in factors):
        known |= unknown
    return known


def test_no_hidden_part_can_be_computed_from_anything_that_is_shown() -> None:
    random, hidden_ones = Random(7), 0
    for _ in range(60):
        catalogue, codes = rated_by_many(random)
        made = document({**ANSWERS, **{code: random.randint(1, 90_000) for code in codes}})
        explained = explain(
            catalogue,
            made,
            "premium:PAW-CARE",
            as_of=AS_OF,
            reveal=lambda path, answer: answer.value,
            visibility=Visibility(catalogue, Reader()),
        )
        assert isinstance(explained.result, int)
        steps = explained.premium_steps
        hidden = {place for place, code in enumerate(codes) if catalogue.questions[code].question.sensitivity}
        hidden_ones += bool(hidden)
        if not hidden:
            assert known_parts(steps, explained.result) == set(range(len(codes)))
            continue
        # The part of a premium's only term is the premium, which everybody sees; its rate is hidden.
        if len(codes) > 1:
            assert not hidden & known_parts(steps, explained.result), steps
        assert all(RATE not in f"{steps[place].text} {steps[place].rate}" for place in hidden)
        assert not any(RATE in f"{step.text} {step.rate}" for step in steps if step.kind == "factor")
        assert not any(RATE in rule.text for rule in explained.rules)
    assert 20 < hidden_ones < 60
