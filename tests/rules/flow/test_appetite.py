"""The appetite of products from part of the answers: yes and no hold whatever else is answered."""

from __future__ import annotations

import copy
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copies.document import Answer, Document
from rules.definition.compiler import CompiledCatalogue
from rules.flow.appetite import Appetite, appetites
from tests.harness.boarding_catalogue import AS_OF, document
from tests.harness.tiers import amount
from tests.rules.flow.test_price_stability import (
    SEEDS,
    complete,
    demo,
    evaluate,
    random_form,
    without_carrier_questions,
)

OPEN = {"eligible", "refer"}


def wanted(catalogue: CompiledCatalogue, form: Document) -> dict[str, Appetite]:
    return appetites(catalogue, form, as_of=AS_OF, reveal=lambda path, answer: answer.value).products


def some_of(form: Document, random: Random) -> Document:
    """Return ``form`` with its lines and some of its other answers."""
    part = copy.deepcopy(form)
    part.answers = {code: item for code, item in part.answers.items() if code == "lines" or random.random() < 0.6}
    return part


def contradictions(found: dict[str, Appetite], outcomes: dict[str, str]) -> list[tuple[str, Appetite, str]]:
    return [
        (code, known, outcomes[code])
        for code, known in found.items()
        if (known.wanted == "yes" and outcomes[code] not in OPEN)
        or (known.wanted == "no" and outcomes[code] not in {"decline", "locked"})
    ]


def check(catalogue: CompiledCatalogue, seed: int) -> tuple[int, int]:
    """Complete a random part of a form in random ways; return how many products were decided early, and asked about."""
    random = Random(seed)
    form = some_of(random_form(catalogue, random, share=0.8), random)
    found = wanted(catalogue, form)
    for _, evaluation in complete(catalogue, copy.deepcopy(form), random):
        outcomes = {code: outcome.outcome for code, outcome in evaluation.eligibility.items()}
        assert contradictions(found, outcomes) == []
    return sum(item.wanted != "depends" for item in found.values()), len(found)


@settings(max_examples=amount(8, full=60), deadline=None)
@given(SEEDS, st.integers(0, 10_000))
def test_yes_and_no_hold_whatever_else_is_answered(catalogue_seed: int, seed: int) -> None:
    check(without_carrier_questions(catalogue_seed), seed)


@pytest.mark.slow
def test_yes_and_no_hold_in_many_forms() -> None:
    counts = [check(without_carrier_questions(seed % 61), seed) for seed in range(3_000)]

    assert sum(early for early, _ in counts) > 1_000


def test_an_industry_alone_decides_what_its_class_declines() -> None:
    found = wanted(demo(), document({"mqs_naics": "722511"}))

    assert [code for code, item in found.items() if item.wanted == "no"] == ["QM-GL", "TT-GL", "GF-AUTO"]
    assert [reason.text for reason in found["QM-GL"].reasons] == ["Not offered for industry 722511."]
    assert "mqs_annual_revenue" in found["QM-BOP"].depends_on


def test_nothing_known_depends_on_everything() -> None:
    catalogue = demo()

    found = wanted(catalogue, Document())

    assert list(found) == list(catalogue.products)
    assert {item.wanted for item in found.values()} == {"depends"}
    assert all(item.depends_on for item in found.values())


def test_each_line_is_decided_as_if_it_alone_were_requested() -> None:
    catalogue, answers = demo(), {"mqs_naics": "722511", "mqs_annual_revenue": 4_000_000}

    together = wanted(catalogue, document(answers))

    alone = {}
    for line in ("bop", "gl", "wc", "cyber", "auto"):
        alone |= wanted(catalogue, document({**answers, "mqs_lobs": [line]}))
    assert together == alone
    assert together["QM-BOP"].reasons[0].text == "Revenue over 3M"


def test_a_surplus_product_depends_on_its_rivals() -> None:
    found = wanted(demo(), document({"mqs_naics": "722511", "mqs_lobs": ["bop"]}))

    assert found["OH-BOP"].wanted == "depends"
    assert found["OH-BOP"].outcome == "locked"
    assert set(found["QM-BOP"].depends_on) <= set(found["OH-BOP"].depends_on)


def has_locked_no(found: dict[str, Appetite]) -> list[str]:
    return [code for code, item in found.items() if (item.outcome, item.wanted) == ("locked", "no")]


def test_a_surplus_product_is_unwanted_while_a_rival_is_open() -> None:
    checked = 0
    for seed in range(amount(80, full=200)):
        catalogue = without_carrier_questions(seed % 61)
        form = random_form(catalogue, Random(seed), share=1.0)
        outcomes = evaluate(catalogue, form).eligibility
        for code in has_locked_no(wanted(catalogue, form)):
            rivals = catalogue.products[code].rivals
            assert any(outcomes[rival].outcome in OPEN for rival in rivals if rival in outcomes)
            checked += 1
    assert checked > 10


def test_the_document_is_not_changed() -> None:
    form = document({"mqs_naics": "722511"})
    before = copy.deepcopy(form)

    wanted(demo(), form)

    assert form == before
    assert form.answers == {"mqs_naics": Answer(value="722511")}
