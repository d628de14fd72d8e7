"""Stored answers under a later release: those that it would refuse are errors, needed again, and price nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from copies.document import Answer, Document, PoolRow, walk_answers
from rules.definition.compiler import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.refused_answers import refused
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document, fire, settle, take_in

CATALOGUE = boarding()
PRICE = 100  # the minimum: 1.5 * 40 + 10 * 2 + 4.25 * 0.5 = 82.125


def changed(code: str, **changes: Any) -> CompiledCatalogue:
    """Return the catalogue with one question or pool changed."""
    sets = json.loads(json.dumps(BOARDING["question_sets"]))
    for part in sets:
        for item in (*part["questions"], part.get("pool", {})):
            if item.get("code") == code:
                item.update(changes)
    return boarding(question_sets=sets)


def without_choice(code: str, choice: str) -> CompiledCatalogue:
    choices = json.loads(json.dumps(BOARDING["choices"]))
    del choices[code][choice]
    return boarding(choices=choices)


def settled(answers: dict[str, Any] | None = None) -> Document:
    """Return a document that the first release has decided."""
    made = document({**ANSWERS, **(answers or {})})
    settle(CATALOGUE, made)
    return made


def codes(result: Any) -> dict[str, str]:
    return {message.path: message.code for message in result.evaluation.messages if message.kind == "error"}


def premium(catalogue: CompiledCatalogue, made: Document) -> int | None:
    return fire(catalogue, made).evaluation.eligibility["PAW-CARE"].premium


def test_the_first_release_prices_the_form() -> None:
    assert premium(CATALOGUE, settled()) == PRICE


def test_a_removed_choice_is_an_error_and_prices_nothing() -> None:
    made = settled({"limit": "high"})

    result = fire(without_choice("limits", "high"), made)

    paw = result.evaluation.eligibility["PAW-CARE"]
    assert codes(result) == {"limit": "unknown_choice"}
    assert "limit" in result.evaluation.needed.quote and "limit" in result.evaluation.needed.bind
    assert paw.premium is None
    assert made.answers["limit"].value == "high"


def test_a_removed_choice_of_a_row_keeps_its_rate_out_of_the_price() -> None:
    path = "kennels/a/pets/c/species"

    result = fire(without_choice("species", "cat"), settled())

    assert codes(result) == {path: "unknown_choice"}
    assert result.evaluation.eligibility["PAW-CARE"].premium is None
    assert result.evaluation.eligibility["PAW-CARE"].missing == (path,)


def test_one_removed_code_of_a_multiple_choice_is_an_error() -> None:
    made = settled({"wanted": ["care", "fire"]})
    lines = [line for line in BOARDING["lines"] if line["code"] == "care"]
    choices = {**BOARDING["choices"], "lines": {"care": "Animal care"}}

    result = fire(boarding(choices=choices, lines=lines), made)

    assert codes(result) == {"wanted": "unknown_choice"}
    assert "wanted" in result.evaluation.needed.quote
    assert result.evaluation.eligibility == {}


@pytest.mark.parametrize(
    ("kind", "stored", "error"),
    [
        ("choice", "medium", "unknown_choice"),
        ("multi_choice", ["low", "medium"], "unknown_choice"),
        ("ssn", "987-65-432", "ssn"),
        ("date", "2026-02-30", "wrong_type"),
        ("integer", 2.5, "not_whole"),
        ("phone", "5125550134", "wrong_format"),
        ("boolean", "yes", "wrong_type"),
    ],
)
def test_a_sealed_answer_that_no_rule_reads_is_judged_too(kind: str, stored: Any, error: str) -> None:
    sets = json.loads(json.dumps(BOARDING["question_sets"]))
    secret = {"code": "secret", "label": "Secret", "type": kind, "sensitivity": "spi"}
    sets[0]["questions"].append({**secret, "choices": "limits"} if "choice" in kind else secret)
    made = document(ANSWERS)
    made.answers["secret"] = Answer(sealed=b"sealed", mask="••••")

    result = check_flow.run(
        boarding(question_sets=sets),
        made,
        as_of=AS_OF,
        release=7,
        reveal=lambda path, answer: stored if answer.sealed else answer.value,
    )

    assert codes(result) == {"secret": error}
    assert "secret" in result.evaluation.needed.quote


def test_another_order_of_the_choices_changes_nothing() -> None:
    made = settled({"wanted": ["care", "fire"]})
    choices = {**BOARDING["choices"], "lines": {"fire": "Fire", "care": "Animal care"}}

    assert codes(fire(boarding(choices=choices), made)) == {}


@pytest.mark.parametrize(
    ("code", "stored", "changes", "error"),
    [
        ("kennel_name", "Happy Tails", {"type": "zip", "validate": []}, "zip5"),
        ("kennel_name", "Happy Tails", {"type": "phone", "validate": []}, "us_phone"),
        ("kennel_name", "Happy Tails", {"type": "naics", "validate": []}, "naics"),
        ("kennel_name", "Happy Tails", {"type": "fein", "validate": []}, "fein"),
        ("kennel_name", "Happy Tails", {"type": "ssn", "validate": []}, "ssn"),
        ("kennel_name", "Happy Tails", {"type": "choice", "choices": "limits", "validate": []}, "unknown_choice"),
        ("kennel_name", "Happy Tails", {"type": "date", "validate": []}, "wrong_type"),
        ("kennel_name", "Happy Tails", {"validate": ["max:5"]}, "max"),
        ("income", 40000.5, {"type": "integer"}, "not_whole"),
        ("income", 40000, {"type": "year", "validate": []}, "out_of_range"),
        ("income", 40000, {"validate": ["max:100"]}, "max"),
        ("kennels/a/pets/b/weight", 20.5, {"type": "integer"}, "not_whole"),
        ("kennels/a/pets/b/weight", 20.125, {"type": "money"}, "wrong_format"),
    ],
)
def test_a_narrowed_question_makes_its_answer_an_error(
    code: str, stored: Any, changes: dict[str, Any], error: str
) -> None:
    made = settled()
    answers = dict(walk_answers(made))
    answers[code].value = stored
    settle(CATALOGUE, made)
    release = changed(code.rpartition("/")[2], **changes)

    result = fire(release, made)

    assert codes(result) == {code: error}
    assert code in result.evaluation.needed.quote
    assert answers[code].value == stored
    assert refused(release, made, as_of=AS_OF) == (code,)
    if code != "kennel_name":
        assert result.evaluation.eligibility["PAW-CARE"].premium is None


def test_an_invalid_answer_counts_as_a_missing_one() -> None:
    release = changed("income", validate=["max:100"])
    made, missing = settled(), settled()
    missing.answers["income"].value = None

    with_it, without_it = fire(release, made).evaluation, fire(release, missing).evaluation

    assert with_it.eligibility == without_it.eligibility
    assert with_it.derived == without_it.derived
    assert with_it.needed == without_it.needed


def test_an_invalid_optional_answer_is_needed_until_it_is_fixed_or_cleared() -> None:
    release = changed("home_zip", type="phone", validate=[])
    made = settled({"home_zip": "78701"})

    assert fire(release, made).evaluation.needed.quote == ("home_zip",)
    made.answers["home_zip"].value = None
    assert fire(release, made).evaluation.needed.quote == ()


def test_a_hidden_answer_is_judged_when_its_question_comes_back() -> None:
    release = changed("vet_fee", type="integer")
    made = settled({"exotic": True, "vet": True, "vet_fee": 12.5})
    made.answers["exotic"].value = False
    settle(CATALOGUE, made)

    assert codes(fire(release, made)) == {}
    made.answers["exotic"].value = True
    assert codes(fire(release, made)) == {"vet_fee": "not_whole"}


def test_a_conflict_between_answers_is_an_error_but_both_still_count() -> None:
    release = changed("home_zip", type="zip", validate=["zip_matches_state:home_state"])
    made = settled({"home_zip": "43215"})

    result = fire(release, made)

    assert codes(result) == {"home_zip": "zip_matches_state"}
    assert result.evaluation.eligibility["PAW-CARE"].premium == PRICE


def test_a_sealed_answer_is_judged_and_a_text_that_nothing_reads_is_not_opened() -> None:
    made, opened = settled(), []
    made.answers["owner_ssn"].sealed, made.answers["owner_ssn"].value = b"sealed", "hello"
    made.answers["kennel_name"].sealed = b"sealed"
    release = changed("kennel_name", validate=[], type="long_text")

    def reveal(path: str, answer: Answer) -> Any:
        opened.append(path)
        return answer.value

    from_rules = fire_with(release, made, reveal)

    assert codes(from_rules) == {"owner_ssn": "ssn"}
    assert set(opened) == {"owner_ssn"}


def fire_with(release: CompiledCatalogue, made: Document, reveal: Any) -> Any:
    return check_flow.run(release, made, as_of=AS_OF, release=8, reveal=reveal)


# Pools


def crowded() -> Document:
    made = settled()
    made.answer_pools["kennels"] += [
        PoolRow(id=name, answers={"street": Answer(value=name), "is_heated": Answer(value=False)}) for name in "yz"
    ]
    settle(CATALOGUE, made)
    return made


def test_too_many_rows_are_an_error_at_the_pool() -> None:
    release = changed("kennels", max=2)
    made = crowded()

    result = fire(release, made)

    (message,) = result.evaluation.messages
    assert (message.kind, message.path, message.code) == ("error", "kennels", "pool_full")
    assert message.text == "There are 3 rows here, and at most 2 are allowed. Remove 1."
    assert "kennels" in result.evaluation.needed.quote
    assert result.evaluation.eligibility["PAW-CARE"].premium is None
    assert refused(release, made) == ("kennels",)


def test_too_many_nested_rows_are_an_error_in_their_row() -> None:
    result = fire(changed("pets", max=1), settled())

    assert codes(result) == {"kennels/a/pets": "pool_full"}
    assert result.evaluation.eligibility["PAW-CARE"].premium is None


def test_too_many_hidden_rows_are_no_error() -> None:
    made = crowded()
    made.answers["wanted"].value = ["fire"]

    assert codes(fire(changed("kennels", max=2), made)) == {}


def without_set(*gone: str, **pools: Any) -> CompiledCatalogue:
    """Return the catalogue without the sets ``gone``, nothing reading them, and with changed pools."""
    sets = [part for part in json.loads(json.dumps(BOARDING["question_sets"])) if part["code"] not in gone]
    for part in sets:
        part.get("pool", {}).update(pools.get(part["code"], {}))
        if "pool" in part:
            part.pop("when", None)
    return boarding(question_sets=sets, derived=[], form_rules=[], products=[])


def test_a_removed_pool_is_put_away_and_named_once() -> None:
    made = settled()

    evaluation = settle(without_set("houses", "guests", "carrier_extra"), made)

    (message,) = evaluation.messages
    assert (message.kind, message.path, message.code) == ("warn", "kennels", "no_longer_asked")
    assert message.text == "“kennels” is no longer part of this form: 1 row is stored but does not count."
    assert not any("kennels" in path for path in evaluation.needed.bind)
    inside = {path: answer for path, answer in walk_answers(made) if path.startswith("kennels/")}
    assert inside["kennels/a/pets/b/species"].value == "dog"
    assert {(answer.active, answer.required) for answer in inside.values()} == {(False, "")}
    assert refused(without_set("houses", "guests", "carrier_extra"), made) == ("kennels",)


def test_a_nested_pool_that_moved_is_named_once_for_all_rows() -> None:
    made = document(
        {
            **ANSWERS,
            "kennels": [
                {"street": "1", "is_heated": True, "pets": [{"species": "dog", "weight": 20}]},
                {"street": "2", "is_heated": True, "pets": [{"species": "cat", "weight": 5}]},
            ],
        }
    )
    settle(CATALOGUE, made)

    evaluation = settle(without_set("carrier_extra", guests={"parent": ""}), made)

    messages = [message for message in evaluation.messages if message.code == "no_longer_asked"]
    assert [(message.path, message.text) for message in messages] == [
        ("kennels/a/pets", "“pets” is no longer part of this form: 2 rows are stored but do not count.")
    ]


def test_a_pool_that_comes_back_is_asked_as_before() -> None:
    made = settled()
    settle(without_set("houses", "guests", "carrier_extra"), made)

    take_in(made, fire(CATALOGUE, made))

    assert premium(CATALOGUE, made) == PRICE
    assert made.answer_pools["kennels"][0].answers["street"].active
