"""Products of a small catalogue: base checks, rules with three truth values, surplus lock, carrier questions,
adjustments and premium.
"""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

import msgspec
import pytest

from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.flow.evaluation import Adjustment, ProductOutcome, Reason
from tests.harness.boarding_catalogue import ANSWERS, BOARDING, boarding, document, fire, settle

CATALOGUE = boarding()
LOCKED = ProductOutcome("locked")


def decide(**changes: Any) -> dict[str, ProductOutcome]:
    answers = {**ANSWERS, **changes}
    return settle(
        CATALOGUE, document(answers, without=tuple(code for code, value in answers.items() if value is None))
    ).eligibility


def rated(change: Any, **changes: Any) -> ProductOutcome:
    source = copy.deepcopy(BOARDING)
    change(source["products"][0])
    catalogue = compile_catalogue(msgspec.convert(source, CatalogueDefinition))
    return settle(catalogue, document({**ANSWERS, **changes})).eligibility["PAW-CARE"]


def test_an_eligible_product_has_a_premium_and_the_surplus_one_stays_locked() -> None:
    assert decide() == {"PAW-CARE": ProductOutcome("eligible", premium=100, bindable=True), "FIN-CARE": LOCKED}


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"home_state": "OH"}, [Reason("state", "Not offered in OH.", "base")]),
        ({"industry": "722511"}, [Reason("class", "Not offered for industry 722511.", "base")]),
        ({"paw_survey": False}, [Reason("P2", "No survey")]),
        (
            {"home_state": "OH", "industry": "722511", "exotic": True, "vet": False},
            [
                Reason("state", "Not offered in OH.", "base"),
                Reason("class", "Not offered for industry 722511.", "base"),
                Reason("P3", "No vet", "refer"),
            ],
        ),
        (
            {"kennels": [{"street": "1", "is_heated": True, "pets": [{"species": "snake", "weight": 90}]}]},
            [Reason("kind", "No rate for snake.", "base"), Reason("P1", "Too heavy")],
        ),
    ],
)
def test_base_reasons_come_before_rules(changes: dict[str, Any], reasons: list[Reason]) -> None:
    outcome = decide(**changes)["PAW-CARE"]

    assert outcome == ProductOutcome("decline", reasons=tuple(reasons))


def test_a_decline_needs_no_missing_answers() -> None:
    assert decide(home_state="OH", opened=None, exotic=None)["PAW-CARE"].missing == ()


def test_unknown_rules_and_checks_name_their_questions_in_the_order_of_the_form() -> None:
    rows = [{"street": "1", "is_heated": True, "pets": [{"species": "dog"}]}]

    outcome = decide(industry=None, exotic=None, paw_survey=None, kennels=rows)["PAW-CARE"]

    assert outcome == ProductOutcome(
        "need_info", missing=("industry", "exotic", "kennels/a/pets/b/weight", "paw_survey")
    )


def test_an_unknown_rule_comes_before_a_referral_and_keeps_its_reason() -> None:
    outcome = decide(exotic=True, vet=False, paw_survey=None)["PAW-CARE"]

    assert outcome == ProductOutcome("need_info", reasons=(Reason("P3", "No vet", "refer"),), missing=("paw_survey",))


def test_a_referral_has_a_premium_and_is_not_bindable() -> None:
    outcome = decide(exotic=True, vet=False)["PAW-CARE"]

    assert outcome == ProductOutcome("refer", premium=100, reasons=(Reason("P3", "No vet", "refer"),))


def test_surplus_opens_when_every_admitted_product_declines_and_then_asks_its_question() -> None:
    made = document({**ANSWERS, "home_state": "OH"})

    evaluation = settle(CATALOGUE, made)

    assert evaluation.eligibility["FIN-CARE"] == ProductOutcome("need_info", missing=("fin_survey",))
    assert made.answers["fin_survey"].active is True
    # Declined by the state, so its own question is hidden with its answer.
    assert (made.answers["paw_survey"].active, made.answers["paw_survey"].value) == (False, True)


def test_a_product_declined_by_its_own_question_keeps_asking_it() -> None:
    made = document({**ANSWERS, "paw_survey": False})

    evaluation = settle(CATALOGUE, made)

    assert made.answers["paw_survey"].active is True
    assert evaluation.eligibility["PAW-CARE"].outcome == "decline"
    # The lock reads the outcome: the admitted product declines, so surplus opens.
    assert evaluation.eligibility["FIN-CARE"].outcome == "need_info"


def test_only_wanted_lines_are_decided_and_excluded_products_are_left_out() -> None:
    assert decide(wanted=["fire"]) == {}

    made = document({**ANSWERS, "home_state": "OH"})
    made.forced_excluded_products = ["PAW-CARE"]

    assert set(settle(CATALOGUE, made).eligibility) == {"FIN-CARE"}
    assert settle(CATALOGUE, made).eligibility["FIN-CARE"].outcome == "need_info"


def test_an_adjustment_rates_another_value_through_derived_values_and_keeps_the_answer() -> None:
    made = document({**ANSWERS, "limit": "high", "income": 200000, "opened": "2026-01-01"})

    outcome = settle(CATALOGUE, made).eligibility["PAW-CARE"]

    # 1.5 * 200 (the low limit) + 22.125, times 1.5 for a new kennel; with the high limit it would be 933.
    assert outcome == ProductOutcome(
        "eligible",
        premium=483,
        bindable=True,
        reasons=(Reason("P4", "Too new", "adjust"),),
        adjustments=(Adjustment("limit", "high", "low", "P4"),),
    )
    assert made.answers["limit"].value == "high"


def test_the_evaluation_date_decides() -> None:
    answers = {**ANSWERS, "income": 200000, "opened": "2024-06-02"}

    prices = [
        fire(CATALOGUE, document(answers), as_of=day).evaluation.eligibility["PAW-CARE"].premium
        for day in (date(2026, 6, 1), date(2026, 6, 2))
    ]

    assert prices == [483, 322]


# Premium

TERMS: dict[str, Any] = {"minimum": "0", "terms": [], "tables": [], "factors": []}


@pytest.mark.parametrize(
    ("rating", "changes", "premium"),
    [
        ({"terms": [{"rate": "0.5", "of": "income"}]}, {"income": 5}, 3),
        ({"terms": [{"rate": "0.5", "of": "income"}]}, {"income": 4.98}, 2),
        ({"terms": [{"rate": "1", "per": "1000", "of": "income"}]}, {"income": 2500}, 3),
        ({"terms": [{"rate": "1", "per": "3", "of": "income"}]}, {"income": 4.5}, 2),
        ({"terms": [{"rate": "1", "of": "income + 0.1 + 0.2"}]}, {"income": 0.2}, 1),
        ({"terms": [{"rate": "1", "of": "vet_fee"}, {"rate": "1", "of": "income"}]}, {"income": 7}, 7),
        ({"terms": [{"rate": "1", "of": "income"}], "minimum": "9.5"}, {"income": 7}, 10),
        (
            {"terms": [{"rate": "1", "of": "income"}], "factors": [{"id": "f", "when": "vet", "times": "9"}]},
            {"income": 7},
            7,
        ),
        ({"tables": [{"pool": "pets", "rate_by": "species", "rates": {"dog": "7"}}]}, {}, 7),
        (
            {"tables": [{"pool": "pets", "rate_by": "species", "rates": {"dog": "7"}, "times": "income"}]},
            {"income": 2},
            14,
        ),
        ({"tables": [{"pool": "pets", "rate_by": "species", "rates": {"dog": "7"}, "times": "vet_fee"}]}, {}, 7),
        ({"terms": [{"rate": "1e14", "of": "income"}]}, {"income": 10**12}, None),
    ],
)
def test_a_premium_is_exact(rating: dict[str, Any], changes: dict[str, Any], premium: int | None) -> None:
    assert rated(lambda product: product.update(rating=TERMS | rating), **changes).premium == premium


@pytest.mark.parametrize("text", ["income", "heaviest"])
def test_an_unknown_term_gives_no_premium(text: str) -> None:
    rows = [{"street": "1", "is_heated": True, "pets": [{"species": "dog"}]}]

    def change(product: dict[str, Any]) -> None:
        product.update(rating=TERMS | {"terms": [{"rate": "1", "of": text}]}, rules=[])

    outcome = rated(change, kennels=rows, income=None)

    assert (outcome.outcome, outcome.premium) == ("eligible", None)
    assert outcome.missing_for_price == (("income",) if text == "income" else ("kennels/a/pets/b/weight",))
