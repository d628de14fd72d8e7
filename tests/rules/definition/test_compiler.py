"""Compiling a catalogue: each kind of fault is reported with its place and remedy, and nothing else fails."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copies.paths import RESERVED
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from tests.harness.boarding_catalogue import BOARDING, boarding
from tests.harness.tiers import amount

Change = Callable[[dict[str, Any]], Any]


def compile_changed(change: Change) -> CatalogueErrors:
    source = copy.deepcopy(BOARDING)
    change(source)
    with pytest.raises(CatalogueErrors) as refused:
        compile_catalogue(msgspec.convert(source, CatalogueDefinition))
    return refused.value


def question(source: dict[str, Any], code: str) -> dict[str, Any]:
    return next(item for part in source["question_sets"] for item in part["questions"] if item["code"] == code)


def product(source: dict[str, Any], code: str = "PAW-CARE") -> dict[str, Any]:
    return next(item for item in source["products"] if item["code"] == code)


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (
            lambda s: question(s, "vet").update(when="exotik"),
            "unknown_question",
            "question_sets[start].questions[vet].when",
        ),
        (lambda s: question(s, "vet").update(when="income"), "type_error", "question_sets[start].questions[vet].when"),
        (
            lambda s: question(s, "muzzle").update(when="weight > species"),
            "type_error",
            "question_sets[guests].questions[muzzle].when",
        ),
        (lambda s: question(s, "vet").update(when="vet"), "cycle", "question_sets[start].questions[vet].when"),
        (
            lambda s: question(s, "exotic").update(when="vet_fee > 1"),
            "cycle",
            "question_sets[start].questions[exotic].when",
        ),
        (
            lambda s: s["question_sets"][1].update(when="kennels.exists(k, k.is_heated)"),
            "cycle",
            "question_sets[houses].when",
        ),
        (lambda s: s["derived"].append({"code": "d1", "value": "d1 + 1"}), "cycle", "derived[d1].value"),
        (
            lambda s: s["derived"].append({"code": "d1", "value": "owner_ssn"}),
            "sensitive",
            "derived[d1].value",
        ),
        (lambda s: s["derived"].append({"code": "d1", "value": "wanted"}), "type_error", "derived[d1].value"),
        (lambda s: s["derived"].append({"code": "income", "value": "1"}), "duplicate_code", "derived[income]"),
        (
            lambda s: question(s, "vet").update(code="exotic"),
            "duplicate_code",
            "question_sets[start].questions[exotic]",
        ),
        (lambda s: question(s, "vet_fee").update(code="in"), "bad_code", "question_sets[start].questions[in].code"),
        (
            lambda s: question(s, "vet_fee").update(code="vet fee"),
            "bad_code",
            "question_sets[start].questions[vet fee].code",
        ),
        (
            lambda s: question(s, "limit").update(choices="limitz"),
            "missing_choice_list",
            "question_sets[start].questions[limit].choices",
        ),
        (
            lambda s: question(s, "limit").pop("choices"),
            "missing_choice_list",
            "question_sets[start].questions[limit].choices",
        ),
        (
            lambda s: question(s, "vet").update(choices="limits"),
            "wrong_value",
            "question_sets[start].questions[vet].choices",
        ),
        (
            lambda s: question(s, "paw_survey").update(products=["PAW"]),
            "unknown_product",
            "question_sets[carrier_extra].questions[paw_survey].products",
        ),
        (
            lambda s: question(s, "income").update(validate=["mini:0"]),
            "wrong_validator",
            "question_sets[start].questions[income].validate",
        ),
        (
            lambda s: question(s, "income").update(validate=["min"]),
            "wrong_validator",
            "question_sets[start].questions[income].validate",
        ),
        (
            lambda s: question(s, "income").update(validate=["min:x"]),
            "wrong_validator",
            "question_sets[start].questions[income].validate",
        ),
        (
            lambda s: question(s, "income").update(validate=["unique_in_pool"]),
            "wrong_validator",
            "question_sets[start].questions[income].validate",
        ),
        (
            lambda s: question(s, "home_zip").update(validate=["zip_matches_state:income"]),
            "type_error",
            "question_sets[start].questions[home_zip].validate",
        ),
        (lambda s: s.update(lines_question="nope"), "unknown_question", "lines_question"),
        (lambda s: s.update(lines_question="street"), "wrong_place", "lines_question"),
        (lambda s: s.update(lines_question="limit"), "type_error", "lines_question"),
        (lambda s: s.update(effective_date_question="nope"), "unknown_question", "effective_date_question"),
        (lambda s: s.update(effective_date_question="income"), "type_error", "effective_date_question"),
        (lambda s: s.update(payment_plan_question="street"), "wrong_place", "payment_plan_question"),
        (lambda s: s.update(employees_questions=["nope"]), "unknown_question", "employees_questions"),
        (lambda s: s.update(employees_questions=["street"]), "wrong_place", "employees_questions"),
        (lambda s: s.update(employees_questions=["income"]), "type_error", "employees_questions"),
        (lambda s: s.update(start_questions=["nope"]), "unknown_question", "start_questions"),
        (lambda s: s.update(start_questions=["street"]), "wrong_place", "start_questions"),
        (
            lambda s: s["question_sets"][2]["pool"].update(parent="kenels"),
            "unknown_pool",
            "question_sets[guests].pool.parent",
        ),
        (
            lambda s: s["question_sets"][1]["pool"].update(key=["species"]),
            "unknown_question",
            "question_sets[houses].pool.key",
        ),
        (lambda s: s["question_sets"][1]["pool"].update(min=9), "wrong_value", "question_sets[houses].pool.min"),
        (lambda s: s["form_rules"][0].update(at="incom"), "unknown_question or pool", "form_rules[B-1].at"),
        (lambda s: s["form_rules"][1].update(id="B-1"), "duplicate_code", "form_rules[B-1]"),
        (lambda s: s["lines"][0].update(states="home_state"), "type_error", "lines[care].states"),
        (
            lambda s: s["lines"].append(
                {"code": "hail", "label": "Hail", "states": "[home_state]", "industry": "industry"}
            ),
            "unknown_choice",
            "lines[hail].code",
        ),
        (lambda s: product(s).update(carrier="PAWS"), "unknown_carrier", "products[PAW-CARE].carrier"),
        (lambda s: product(s).update(line="hail"), "unknown_line", "products[PAW-CARE].line"),
        (lambda s: product(s)["rating"].update(minimum="lots"), "wrong_value", "products[PAW-CARE].rating.minimum"),
        (
            lambda s: product(s)["rating"]["terms"][0].update(per="0"),
            "wrong_value",
            "products[PAW-CARE].rating.terms[0].per",
        ),
        (
            lambda s: product(s)["rating"]["terms"][0].update(of="exotic"),
            "type_error",
            "products[PAW-CARE].rating.terms[0].of",
        ),
        (
            lambda s: product(s)["rating"]["tables"][0].update(rate_by="income"),
            "type_error",
            "products[PAW-CARE].rating.tables[0].rate_by",
        ),
        (
            lambda s: product(s)["rules"][3].update(set={"limit": "lo"}),
            "unknown_choice",
            "products[PAW-CARE].rules[P4].set[limit]",
        ),
        (
            lambda s: product(s)["rules"][3].update(set={"income": 1.234}),
            "type_error",
            "products[PAW-CARE].rules[P4].set[income]",
        ),
        (
            lambda s: product(s)["rules"][3].update(set={"street": "x"}),
            "wrong_place",
            "products[PAW-CARE].rules[P4].set[street]",
        ),
        (lambda s: product(s)["rules"][3].update(set={}), "wrong_value", "products[PAW-CARE].rules[P4].set"),
    ],
)
def test_a_fault_is_reported_with_its_place(change: Change, code: str, where: str) -> None:
    refused = compile_changed(change)

    assert (code.replace(" or pool", ""), where) in [(fault.code, fault.where) for fault in refused.faults]
    assert all(fault.text and fault.remedy for fault in refused.faults)


def test_the_place_inside_a_text_has_line_and_column() -> None:
    refused = compile_changed(lambda s: product(s)["rules"][0].update(when="heaviest > 80 ||\n  exotic > 3"))

    [fault] = refused.faults
    assert (fault.where, fault.line, fault.column) == ("products[PAW-CARE].rules[P1].when", 2, 10)


def test_all_faults_are_reported_at_once() -> None:
    def change(source: dict[str, Any]) -> None:
        question(source, "vet").update(when="exotik")
        question(source, "limit").update(choices="limitz")
        product(source)["rules"][0].update(when="heaviest > exotic")
        source["derived"][0].update(value="opened + ")

    codes = [fault.code for fault in compile_changed(change).faults]

    assert sorted(codes) == ["missing_choice_list", "syntax_error", "type_error", "unknown_question"]


def test_a_text_that_reads_a_broken_derived_value_adds_no_fault() -> None:
    refused = compile_changed(lambda s: s["derived"][3].update(value="nothing"))

    assert [fault.where for fault in refused.faults] == ["derived[heaviest].value"]


def test_a_derived_value_may_come_before_the_one_it_reads() -> None:
    catalogue = boarding(
        derived=[{"code": "twice", "value": "once * 2"}, {"code": "once", "value": "income + 1"}, *BOARDING["derived"]]
    )

    assert [step.derived.code for step in catalogue.steps if hasattr(step, "derived")].index("once") < len(
        catalogue.derived
    )


def test_carrier_questions_of_one_product_do_not_wait_for_each_other() -> None:
    def change(source: dict[str, Any]) -> None:
        source["question_sets"][3]["questions"].append(
            {"code": "paw_more", "label": "More?", "type": "boolean", "products": ["PAW-CARE"]}
        )
        product(source)["rules"].append({"id": "P9", "when": "paw_more == false", "then": "decline", "why": "No more"})

    source = copy.deepcopy(BOARDING)
    change(source)
    catalogue = compile_catalogue(msgspec.convert(source, CatalogueDefinition))

    rules = {
        code: [rule.rule.id for rule in catalogue.questions[code].gates[0].rules] for code in ("paw_survey", "paw_more")
    }
    assert rules == {"paw_survey": ["P1"], "paw_more": ["P1", "P2"]}


@settings(max_examples=amount(20, full=60), deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=40),
        st.sampled_from(["1", "income", "kennels", "[]", "[[]]", "as_of", "true", "pets.all(p, p)"]),
    ),
    place=st.integers(0, 7),
)
def test_any_text_at_any_place_compiles_or_is_a_fault(text: str, place: int) -> None:
    source = copy.deepcopy(BOARDING)
    places: list[Change] = [
        lambda s: question(s, "vet").update(when=text),
        lambda s: s["question_sets"][2].update(when=text),
        lambda s: s["derived"][0].update(value=text),
        lambda s: s["form_rules"][1].update(when=text),
        lambda s: s["lines"][0].update(states=text),
        lambda s: product(s)["rating"]["terms"][0].update(of=text),
        lambda s: product(s)["rating"]["tables"][0].update(rate_by=text),
        lambda s: question(s, "income").update(validate=[text]),
    ]
    places[place](source)

    try:
        compile_catalogue(msgspec.convert(source, CatalogueDefinition))
    except CatalogueErrors as refused:
        assert refused.faults


@pytest.mark.parametrize("code", sorted(RESERVED))
def test_no_pool_has_the_name_of_another_part_of_a_form(code: str) -> None:
    refused = compile_changed(lambda source: source["question_sets"][2]["pool"].update(code=code))

    assert ("bad_code", "question_sets[guests].pool.code") in [(fault.code, fault.where) for fault in refused.faults]
