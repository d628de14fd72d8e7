"""Faults of surplus lines rules: gaps, overlaps, unknown states and lines, days and numbers."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.strict_check import check_catalogue
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from tests.harness.boarding_catalogue import BOARDING, definition


def rule(identity: str, **keys: Any) -> dict[str, Any]:
    return {"id": identity, "needs": "none", **keys}


def faults_of(*rules: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(CatalogueErrors) as refused:
        check_catalogue(definition(surplus=list(rules)))
    return [(fault.code, fault.where) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("rules", "code", "where"),
    [
        ([rule("A", until="2026-01-01"), rule("B", **{"from": "2026-01-03"})], "surplus_gap", "surplus[B].from"),
        ([rule("A", until="2026-01-01"), rule("B", **{"from": "2026-01-01"})], "surplus_overlap", "surplus[B].from"),
        ([rule("A"), rule("B")], "surplus_overlap", "surplus[B].from"),
        ([rule("A", states=["TX", "OH"]), rule("B", states=["OH"])], "surplus_overlap", "surplus[B].from"),
        ([rule("A", states=["TX"]), rule("B", states=["TX"], lines=["care"])], "surplus_overlap", "surplus[B].from"),
        ([rule("A", states=["TX", "XT"])], "unknown_choice", "surplus[A].states[XT]"),
        ([rule("A", lines=["cover"])], "unknown_line", "surplus[A].lines"),
        ([rule("A", **{"from": "2026-02-30"})], "wrong_value", "surplus[A].from"),
        ([rule("A", **{"from": "2026-02-02"}, until="2026-02-01")], "wrong_value", "surplus[A].until"),
        ([rule("A", needs={"declines": 0})], "wrong_value", "surplus[A].needs"),
        ([rule("A", states=["TX"]), rule("A", states=["OH"])], "duplicate_code", "surplus[A]"),
    ],
)
def test_a_faulty_rule_is_refused(rules: list[dict[str, Any]], code: str, where: str) -> None:
    assert faults_of(*rules) == [(code, where)]


def test_one_fault_of_two_rules_is_reported_once() -> None:
    """Both rules concern two states and two lines."""
    assert faults_of(rule("A", states=["TX", "OH"]), rule("B", states=["TX", "OH"])) == [
        ("surplus_overlap", "surplus[B].from")
    ]


def test_rules_that_follow_each_other_are_accepted() -> None:
    rules = [
        rule("ALL"),
        rule("A", states=["TX"], lines=["care"], until="2026-01-01"),
        rule("B", states=["TX"], lines=["care"], **{"from": "2026-01-02"}, until="2026-12-31"),
        rule("C", states=["TX"], lines=["fire"], needs={"declines": 2}),
        rule("D", states=["OH"], **{"from": "2026-03-01"}),
    ]

    surplus = check_catalogue(definition(surplus=rules)).compiled.products["FIN-CARE"].surplus

    assert [one.id for one in surplus] == ["A", "B", "D", "ALL"]


def test_a_rule_with_days_makes_decisions_depend_on_the_day() -> None:
    source = {"surplus": [rule("A", **{"from": "2026-01-02"})], "derived": [], "form_rules": []}
    products = [
        {**product, "rules": [], "rating": {"minimum": "1"}}
        for product in BOARDING["products"]
        if product["code"] == "FIN-CARE"
    ]

    assert compile_catalogue(definition(**source, products=products, question_sets=QUESTIONS)).day.is_in_texts
    without = {**source, "surplus": [rule("A")]}
    assert not compile_catalogue(definition(**without, products=products, question_sets=QUESTIONS)).day.is_in_texts


QUESTIONS: list[dict[str, Any]] = [
    {
        "code": "start",
        "title": "Start",
        "questions": [
            {"code": "kennel_name", "label": "Name", "type": "text"},
            {"code": "wanted", "label": "Wanted", "type": "multi_choice", "choices": "lines"},
            {"code": "home_state", "label": "State", "type": "choice", "choices": "states"},
            {"code": "industry", "label": "Industry", "type": "naics"},
        ],
    }
]
