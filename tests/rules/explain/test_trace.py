"""Traces: each result has its reasons, and what would change it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from copies.document import Answer, Document
from presentation.visibility import NOBODY, Reader, Visibility
from rules.explain import trace
from rules.explain.trace import Explanation, UnknownTarget
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document, settle

CATALOGUE = boarding()


def explain(target: str, *, made: Document | None = None, **changes: Any) -> Explanation:
    made = made or document({**ANSWERS, **changes})
    visibility = Visibility(CATALOGUE, Reader(sees_personal=True))
    return trace.explain(
        CATALOGUE,
        made,
        target,
        as_of=AS_OF,
        reveal=lambda path, answer: "987-65-4321",
        visibility=visibility,
        release=4,
    )


def test_a_declined_product_names_rule_values_and_parts() -> None:
    why = explain("PAW-CARE", home_state="OH", exotic=True, vet=False)

    rules = {rule.id: rule for rule in why.rules}
    assert (why.target, why.kind, why.result, why.release, why.as_of) == (
        "product:PAW-CARE",
        "product",
        "decline",
        4,
        AS_OF,
    )
    assert (
        why.text == "PAW-CARE declines: Not offered in OH (state). It would also refer to an underwriter: No vet (P3)."
    )
    assert [(rule.id, rule.truth) for rule in why.rules] == [
        ("state", "true"),
        ("class", "false"),
        ("kind", "false"),
        ("P1", "false"),
        ("P2", "false"),
        ("P3", "true"),
        ("P4", "false"),
    ]
    assert rules["P3"].values == {"exotic": True, "vet": False}
    assert [(part.condition, part.truth) for part in rules["P3"].parts] == [("exotic", "true"), ("!vet", "true")]
    assert rules["P4"].would_match == (
        'It would match if limit == "high" (now limit is low) and years_open < 1 (now years_open is 5).'
    )
    assert rules["P1"].values == {"heaviest": 20}


def test_need_info_names_the_questions() -> None:
    why = explain("product:PAW-CARE", made=document(ANSWERS, without=("paw_survey",)))

    assert (why.result, why.text) == ("need_info", "PAW-CARE cannot be decided before these are answered: paw_survey.")


def test_a_locked_product_names_the_products_that_did_not_decline() -> None:
    why = explain("FIN-CARE")

    assert why.result == "locked"
    assert why.text.endswith("until every admitted product of the line declines; PAW-CARE did not.")
    assert why.rules[0].truth == "false"


def test_a_premium_lists_its_steps() -> None:
    why = explain("premium:PAW-CARE", limit="high", income=200000, opened="2026-01-01")

    assert (why.result, [rule.id for rule in why.rules]) == (483, ["P4", "new"])
    assert [(step.kind, step.amount) for step in why.premium_steps] == [
        ("term", 300.0),
        ("table", 22.125),
        ("factor", 483.1875),
    ]


def test_factors_are_traced_on_rated_values() -> None:
    products = msgspec.convert(msgspec.to_builtins(BOARDING["products"]), list[dict[str, Any]])
    products[0]["rating"]["factors"] = [{"id": "high", "when": 'limit == "high"', "times": "3"}]
    made = document({**ANSWERS, "limit": "high", "opened": "2026-01-01"})

    catalogue = boarding(products=products)

    why = trace.explain(
        catalogue,
        made,
        "premium:PAW-CARE",
        as_of=AS_OF,
        reveal=lambda path, answer: answer.value,
        visibility=Visibility(catalogue, Reader()),
    )

    assert [(rule.id, rule.truth, rule.values["limit"]) for rule in why.rules] == [
        ("P4", "true", "high"),
        ("high", "false", "low"),
    ]


def test_a_hidden_question_explains_what_would_show_it() -> None:
    why = explain("vet_fee")

    assert (why.kind, why.result) == ("question", "hidden")
    assert why.rules[0].would_match == "It would match if vet (now vet is not answered)."


def test_a_row_s_question_is_explained_in_its_row() -> None:
    why = explain("kennels/a/pets/b/muzzle")

    assert why.result == "hidden"
    assert why.rules[0].values == {"kennels/a/is_heated": True}
    assert why.rules[1].values == {"kennels/a/pets/b/species": "dog", "kennels/a/pets/b/weight": 20}


def test_a_carrier_question_names_its_products() -> None:
    why = explain("paw_survey", home_state="OH")

    assert (why.result, why.rules[0].truth, why.rules[0].text) == ("hidden", "false", "PAW-CARE does not ask this.")


def test_sets_derived_values_rules_and_messages_are_explained() -> None:
    assert explain("houses").result == "shown"
    assert explain("houses", wanted=["fire"]).result == "hidden"
    assert (explain("heads").result, explain("heads").text) == (2, "heads is 2.")
    assert explain("heaviest", kennels=[{"is_heated": True, "pets": [{"species": "dog"}]}]).text == (
        "heaviest is not known yet: kennels/a/pets/b/weight must be answered."
    )
    assert (explain("P3").kind, explain("P3").result) == ("rule", "false")
    assert explain("B-1", income=900001).text == "income: A lot for a kennel."
    assert explain("message:income").result == "not_said"


@pytest.mark.parametrize(
    ("reader", "name"), [(Reader(sees_personal=True), "Happy Tails"), (Reader(), "••••"), (NOBODY, "••••")]
)
def test_secret_values_are_masked_and_personal_ones_need_the_right(reader: Reader, name: str) -> None:
    sets = msgspec.convert(msgspec.to_builtins(BOARDING["question_sets"]), list[dict[str, Any]])
    sets[0]["questions"][0] |= {"sensitivity": "pii", "when": 'owner_ssn != ""'}
    catalogue = boarding(
        question_sets=sets, derived=[*BOARDING["derived"], {"code": "same", "value": "kennel_name == owner_ssn"}]
    )
    made = document(ANSWERS)
    made.answers["owner_ssn"] = Answer(sealed=b"x", mask="•••• 4321")

    why = trace.explain(
        catalogue,
        made,
        "same",
        as_of=AS_OF,
        reveal=lambda path, answer: "987-65-4321",
        visibility=Visibility(catalogue, reader),
    )

    mask = "•••• 4321" if reader.sees_masks else "••••"
    assert why.rules[0].values == {"kennel_name": name, "owner_ssn": mask}
    assert "987-65" not in msgspec.json.encode(why).decode()


def test_a_trace_agrees_with_the_evaluation() -> None:
    made = document({**ANSWERS, "exotic": True, "vet": False})
    evaluation = settle(CATALOGUE, made)

    for code, outcome in evaluation.eligibility.items():
        assert explain(code, made=made).result == outcome.outcome
        assert explain(f"premium:{code}", made=made).result == outcome.premium


@pytest.mark.parametrize(
    "target",
    [
        "",
        "nothing",
        "product:nothing",
        "question:kennels/z/street",
        "question:street",
        "foo:bar",
        "message:nothing",
        "set:",
        "kennels/a",
    ],
)
def test_an_unknown_target_is_refused(target: str) -> None:
    with pytest.raises(UnknownTarget):
        explain(target)
