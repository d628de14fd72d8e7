"""Surplus lines rules: which rule is in force in a state on a day, and what it opens."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition, Declines, SurplusRule
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from rules.definition.surplus import ALL_DECLINE, compile_surplus, rule_for
from rules.explain.trace import explain
from rules.surplus_lines import surplus_rule_for
from tests.batch.test_incremental_rules import QUIET, Script, follow, random_scripts
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, document, settle
from tests.harness.edit_scripts import OpenSealing
from tests.harness.random_catalogues import random_catalogue
from tests.harness.tiers import amount

ALL: dict[str, Any] = {"id": "SL", "needs": "all_admitted_decline", "disclosure": "Not licensed here."}
TEXAS_UNTIL: dict[str, Any] = {"id": "TX-1", "states": ["TX"], "until": "2026-05-31", "needs": {"declines": 1}}
TEXAS_FROM: dict[str, Any] = {"id": "TX-2", "states": ["TX"], "from": "2026-06-01", "needs": "none"}
TEXAS_FROM["disclosure"] = "No search."


def with_rules(*rules: dict[str, Any], rivals: int = 1, states: str = "") -> CompiledCatalogue:
    """Return the boarding houses with surplus ``rules``, so many admitted products and other ``states`` concerned."""
    source = copy.deepcopy(BOARDING)
    source["surplus"] = list(rules)
    if states:
        source["lines"][0]["states"] = states
    for number in range(1, rivals):
        rival = copy.deepcopy(source["products"][0])
        rival |= {"code": f"PAW-{number}", "rules": [], "states": ["OH"]}
        source["products"].append(rival)
    return compile_catalogue(msgspec.convert(source, CatalogueDefinition))


def outcome(catalogue: CompiledCatalogue, day: date = AS_OF, **answers: Any) -> str:
    given = {**ANSWERS, **answers}
    made = document(given, without=tuple(code for code, value in given.items() if value is None))
    return settle(catalogue, made, as_of=day).eligibility["FIN-CARE"].outcome


def test_without_a_rule_every_admitted_product_must_decline() -> None:
    catalogue = with_rules()

    assert outcome(catalogue) == "locked"
    assert outcome(catalogue, home_state="OH") == "need_info"


@pytest.mark.parametrize(
    ("day", "expected"),
    [(date(2026, 5, 31), "locked"), (date(2026, 6, 1), "need_info"), (date(2030, 1, 1), "need_info")],
)
def test_a_rule_without_a_search_opens_from_its_first_day(day: date, expected: str) -> None:
    assert outcome(with_rules(ALL, TEXAS_UNTIL, TEXAS_FROM), day) == expected


def test_a_rule_for_a_state_goes_before_the_one_for_all_and_concerns_its_lines_only() -> None:
    nothing = {"id": "ALL", "needs": "none"}

    assert outcome(with_rules(nothing)) == "need_info"
    assert outcome(with_rules(nothing, {"id": "TX", "states": ["TX"]})) == "locked"
    assert outcome(with_rules(nothing, {"id": "TX", "states": ["TX"], "lines": ["fire"]})) == "need_info"


@pytest.mark.parametrize(("declines", "expected"), [(1, "need_info"), (2, "locked"), (3, "locked"), (9, "locked")])
def test_so_many_declines_open(declines: int, expected: str) -> None:
    """In Texas one of three admitted products declines."""
    rule = {"id": "TX", "states": ["TX"], "needs": {"declines": declines}}
    catalogue = with_rules(rule, rivals=3)
    texas = {product.code: product for product in catalogue.definition.products}
    assert texas["PAW-1"].states == ("OH",)

    one_declines = with_rules(rule, rivals=2)

    assert outcome(one_declines) == expected
    assert outcome(catalogue) == ("need_info" if declines <= 2 else "locked")


def test_more_declines_than_products_are_all_of_them() -> None:
    catalogue = with_rules({"id": "X", "needs": {"declines": 9}})

    assert outcome(catalogue, home_state="OH") == "need_info"


def test_every_state_concerned_must_be_met() -> None:
    catalogue = with_rules(ALL, {"id": "TX", "states": ["TX"], "needs": "none"}, states='["TX", home_state]')

    assert outcome(catalogue) == "need_info"
    assert outcome(catalogue, home_state=None) == "locked"


def test_an_unknown_state_opens_nothing_but_what_all_decline() -> None:
    catalogue = with_rules({"id": "X", "needs": "none"})

    assert outcome(catalogue, home_state=None) == "locked"
    assert outcome(catalogue, home_state="TX") == "need_info"


def test_the_rules_and_their_disclosures_are_known_to_pages() -> None:
    catalogue = with_rules(ALL, TEXAS_UNTIL, TEXAS_FROM)
    made = document(ANSWERS)
    evaluation = settle(catalogue, made)

    found = surplus_rule_for(catalogue, made, "FIN-CARE", evaluation=evaluation)

    assert found is not None
    assert [rule.id for rule in found.rules] == ["TX-2"]
    assert found.disclosures == ("No search.",)
    assert found.requirement == "no search among admitted products is needed (rule TX-2)"
    assert surplus_rule_for(catalogue, made, "PAW-CARE", evaluation=evaluation) is None


def test_a_catalogue_without_rules_requires_all_declines_and_discloses_nothing() -> None:
    made = document(ANSWERS)
    evaluation = settle(with_rules(), made)

    found = surplus_rule_for(with_rules(), made, "FIN-CARE", evaluation=evaluation)

    assert found == ((), "every admitted product of the line declines")
    assert found.disclosures == ()


def explained(catalogue: CompiledCatalogue, **answers: Any) -> str:
    made = document({**ANSWERS, **answers})
    settle(catalogue, made)
    visibility = Visibility(catalogue, Reader(sees_personal=True))
    return explain(
        catalogue, made, "product:FIN-CARE", as_of=AS_OF, reveal=OpenSealing().reveal, visibility=visibility
    ).text


def test_the_explanation_names_the_rule() -> None:
    two = with_rules({"id": "TX-9", "states": ["TX"], "needs": {"declines": 1}})

    assert explained(two) == (
        "FIN-CARE writes surplus lines and stays locked until 1 admitted product of the line declines (rule TX-9); "
        "PAW-CARE did not."
    )
    assert explained(with_rules(ALL, TEXAS_FROM)).endswith(
        "It writes surplus lines, open because no search among admitted products is needed (rule TX-2)."
    )


def test_the_rule_of_each_day_is_found() -> None:
    definition = msgspec.convert(
        {**copy.deepcopy(BOARDING), "surplus": [ALL, TEXAS_UNTIL, TEXAS_FROM]}, CatalogueDefinition
    )
    rules = compile_surplus(definition)

    found = [rule_for(rules, "TX", date(2026, 5, 31)).id, rule_for(rules, "TX", date(2026, 6, 1)).id]

    assert [*found, rule_for(rules, "OH", date(2026, 6, 1)).id] == ["TX-1", "TX-2", "SL"]
    assert rule_for((), "TX", AS_OF) == ALL_DECLINE


# Partial runs with surplus rules


def random_rules(catalogue: CompiledCatalogue) -> CompiledCatalogue:
    """Return ``catalogue`` with a rule for each of two states."""
    rules = (
        SurplusRule(id="TX", states=("TX",), needs="none"),
        SurplusRule(id="OH", states=("OH",), needs=Declines(declines=1)),
    )
    return compile_catalogue(msgspec.structs.replace(catalogue.definition, surplus=rules))


@settings(max_examples=amount(15, full=40), deadline=None, suppress_health_check=QUIET)
@given(random_scripts(30))
def test_partial_runs_decide_surplus_products_as_full_ones(made: tuple[int, Script]) -> None:
    seed, script = made
    follow(random_rules(random_catalogue(seed)), script)
