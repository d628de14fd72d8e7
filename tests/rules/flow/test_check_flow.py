"""The check flow on a small catalogue: visibility that loses nothing, requirements, messages, question sets, and no
change in a second run.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copies.document import Answer, Document, PoolRow, walk_answers
from rules.definition.compiler import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import AnswerState, FlowResult, Message, Refusal
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document, fire, settle, take_in
from tests.harness.tiers import amount

CATALOGUE = boarding()


def states(made: Document) -> dict[str, tuple[bool, str]]:
    return {path: (answer.active, answer.required) for path, answer in walk_answers(made)}


def test_an_empty_document_gets_entries_for_visible_questions() -> None:
    made = document({})

    evaluation = settle(CATALOGUE, made)

    assert list(made.answers) == [
        "kennel_name",
        "wanted",
        "home_state",
        "home_zip",
        "industry",
        "income",
        "opened",
        "owner_ssn",
        "limit",
        "exotic",
    ]
    assert [part.code for part in made.question_sets] == ["start"]
    assert evaluation.eligibility == {}
    assert evaluation.needed.quote == (
        "kennel_name",
        "wanted",
        "home_state",
        "industry",
        "income",
        "opened",
        "limit",
        "exotic",
    )
    assert evaluation.needed.bind == (
        "kennel_name",
        "wanted",
        "home_state",
        "industry",
        "income",
        "opened",
        "owner_ssn",
        "limit",
        "exotic",
    )


def test_hiding_cascades_and_keeps_the_answers() -> None:
    made = document({**ANSWERS, "exotic": True, "vet": True, "vet_fee": 90})
    settle(CATALOGUE, made)
    assert states(made)["vet_fee"] == (True, "")

    made.answers["exotic"].value = False
    settle(CATALOGUE, made)

    assert states(made)["vet"] == (False, "") and made.answers["vet"].value is True
    assert states(made)["vet_fee"] == (False, "") and made.answers["vet_fee"].value == 90

    made.answers["exotic"].value = True
    settle(CATALOGUE, made)

    assert states(made)["vet"] == (True, "quote")
    assert states(made)["vet_fee"] == (True, "")


def test_a_removed_line_hides_its_rows_and_brings_them_back() -> None:
    made = document(ANSWERS)
    settle(CATALOGUE, made)
    before = states(made)

    made.answers["wanted"].value = ["fire"]
    evaluation = settle(CATALOGUE, made)

    assert {path for path, (active, _) in states(made).items() if not active} == {
        path for path in before if "/" in path or path == "paw_survey"
    } - {"kennels/a/share"}
    assert [part.code for part in made.question_sets] == ["start"]
    assert (evaluation.derived["heads"], evaluation.derived["heaviest"]) == (0, None)

    made.answers["wanted"].value = ["care"]
    settle(CATALOGUE, made)

    assert states(made) == before


def test_an_unanswered_entry_is_dropped_when_hidden() -> None:
    made = document({"exotic": True})
    settle(CATALOGUE, made)
    assert "vet" in made.answers

    made.answers["exotic"].value = False

    assert fire(CATALOGUE, made).dropped == ("vet",)


def test_a_row_sees_its_own_answers_and_those_around_it() -> None:
    rows = [
        {
            "street": "1",
            "is_heated": True,
            "pets": [{"species": "dog", "weight": 31}, {"species": "dog", "weight": 30}],
        },
        {"street": "2", "is_heated": False, "pets": [{"species": "dog", "weight": 99}]},
    ]
    made = document({"wanted": ["care"], "kennels": rows})

    evaluation = settle(CATALOGUE, made)

    assert [path for path, _ in walk_answers(made) if path.endswith("muzzle")] == ["kennels/a/pets/b/muzzle"]
    assert made.answer_pools["kennels"][1].answer_pools["pets"][0].answers["weight"].active is False
    assert (evaluation.derived["heads"], evaluation.derived["heaviest"]) == (2, 31)


def test_a_pool_below_its_least_rows_is_needed() -> None:
    evaluation = settle(CATALOGUE, document(ANSWERS, without=("kennels",)))

    assert evaluation.needed.quote == ("kennels",)
    assert evaluation.needed.bind == ("owner_ssn", "kennels")


def test_a_question_missing_in_the_release_stays_inactive() -> None:
    made = document({**ANSWERS, "gone": "x"})
    made.answers["blank"] = Answer()

    result = fire(CATALOGUE, made)

    assert AnswerState("gone", False, "") in result.states
    assert result.dropped == ("blank",)


def test_a_wrong_value_is_refused_and_a_wrong_relation_is_a_message() -> None:
    made = document({**ANSWERS, "income": -1, "home_zip": "43215"})

    result = fire(CATALOGUE, made)

    assert result.refusals == (Refusal("income", "min", "Must be at least 0."),)
    assert result.evaluation.messages == (
        Message("error", "home_zip", "zip_matches_state", "This ZIP code is in OH, not in TX."),
        Message("error", "income", "min", "Must be at least 0."),
    )
    assert result.evaluation.needed.quote == ("home_zip", "income")


def test_a_hidden_answer_is_not_validated() -> None:
    made = document({**ANSWERS, "wanted": ["fire"], "kennels": [{"street": "1", "share": 900}, {"street": "1"}]})

    assert fire(CATALOGUE, made).evaluation.messages == ()


def test_rows_are_compared_with_each_other() -> None:
    rows = [{"street": "1", "share": 60, "is_heated": False}, {"street": "1", "share": 50, "is_heated": False}]

    messages = settle(CATALOGUE, document({**ANSWERS, "kennels": rows})).messages

    assert [(message.path, message.code) for message in messages] == [
        ("kennels/a/street", "unique_in_pool"),
        ("kennels/a/share", "pool_sum_max"),
        ("kennels/b/street", "unique_in_pool"),
        ("kennels/b/share", "pool_sum_max"),
    ]


def test_form_rules_apply_at_the_top_and_in_rows() -> None:
    rows = [
        {"street": "1", "is_heated": True, "pets": [{"species": "cat", "weight": 1}, {"species": "snake", "weight": 1}]}
    ]

    evaluation = settle(CATALOGUE, document({**ANSWERS, "income": 900001, "kennels": rows}))

    assert evaluation.messages == (
        Message("warn", "income", "B-1", "A lot for a kennel"),
        Message("error", "kennels/a/pets/c/species", "B-2", "No snakes"),
    )
    # Snakes have no rate, so the admitted product declines and the surplus product asks its question.
    assert evaluation.needed.quote == ("kennels/a/pets/c/species", "fin_survey")


def test_a_stored_value_of_another_type_counts_as_unanswered() -> None:
    result = fire(CATALOGUE, document({**ANSWERS, "income": "many"}))

    assert result.refusals == (Refusal("income", "wrong_type", "This answer no longer fits the question."),)
    assert result.evaluation.eligibility["PAW-CARE"].premium is None
    assert result.evaluation.derived["rated_income"] is None


def test_question_sets_are_completed_and_opened_again() -> None:
    made = document(ANSWERS)
    settle(CATALOGUE, made)
    assert all(part.completed_at for part in made.question_sets)
    assert [part.code for part in made.question_sets] == ["start", "houses", "guests", "carrier_extra"]

    made.answers["income"].value = None

    assert fire(CATALOGUE, made).reopened_sets == ("start",)


def test_a_kept_set_is_not_removed() -> None:
    made = document(ANSWERS)
    settle(CATALOGUE, made)
    made.question_sets[1].remove_if_ineligible = False
    made.answers["wanted"].value = ["fire"]

    assert fire(CATALOGUE, made).removed_sets == ("guests", "carrier_extra")


def test_a_sealed_answer_is_revealed_only_where_it_is_read() -> None:
    calls: list[str] = []

    def reveal(path: str, answer: Answer) -> Any:
        calls.append(path)
        return "987-65-4321"

    made = document(ANSWERS)
    made.answers["owner_ssn"] = Answer(sealed=b"x", mask="•••• 4321")
    made.answers["kennel_name"] = Answer(sealed=b"y", mask="••••")
    unread = boarding(question_sets=_without_checks())
    from_checked = fire_with(CATALOGUE, made, reveal)
    assert calls == ["kennel_name", "owner_ssn"]
    assert from_checked.refusals == ()

    calls.clear()
    fire_with(unread, made, reveal)

    # An answer that is no free text is judged, though nothing reads it.
    assert calls == ["owner_ssn"]


def fire_with(catalogue: CompiledCatalogue, made: Document, reveal: Any) -> FlowResult:
    return check_flow.run(catalogue, made, as_of=AS_OF, release=1, reveal=reveal)


def _without_checks() -> Any:
    sets = [dict(part) for part in BOARDING["question_sets"]]
    sets[0]["questions"] = [
        {
            key: value
            for key, value in item.items()
            if item["code"] not in ("kennel_name", "owner_ssn") or key != "validate"
        }
        for item in sets[0]["questions"]
    ]
    return sets


EDITS = st.one_of(
    st.tuples(st.just("wanted"), st.sampled_from([["care"], ["fire"], ["care", "fire"], None])),
    st.tuples(st.sampled_from(["exotic", "vet", "paw_survey", "fin_survey"]), st.sampled_from([True, False, None])),
    st.tuples(st.just("home_state"), st.sampled_from(["TX", "OH", None])),
    st.tuples(st.just("income"), st.sampled_from([0, 5, 10**6, None])),
    st.tuples(st.just("limit"), st.sampled_from(["low", "high", None])),
    st.tuples(st.just("is_heated"), st.sampled_from([True, False, None])),
    st.tuples(st.just("weight"), st.sampled_from([1, 31, 99, None])),
)


@settings(max_examples=amount(50, full=150), deadline=None)
@given(script=st.lists(EDITS, max_size=12))
def test_no_edit_script_loses_an_answer_and_the_result_depends_on_answers_only(script: list[tuple[str, Any]]) -> None:
    start = {**ANSWERS, "vet": True, "vet_fee": 90}
    made, given_values = document(start), dict(walk_answers(document(start)))
    wanted = {path: answer.value for path, answer in given_values.items()}
    settle(CATALOGUE, made)

    for code, value in script:
        path = {"is_heated": "kennels/a/is_heated", "weight": "kennels/a/pets/b/weight"}.get(code, code)
        put(made, path, value)
        wanted[path] = value
        settle(CATALOGUE, made)

    assert {path: answer.value for path, answer in walk_answers(made) if answer.is_answered} == {
        path: value for path, value in wanted.items() if value is not None
    }
    fresh = document({})
    for path, value in wanted.items():
        put(fresh, path, value)
    assert settle(CATALOGUE, fresh) == settle(CATALOGUE, made)
    assert states(fresh) == states(made)


def put(made: Document, path: str, value: Any) -> None:
    container: Any = made
    *steps, code = path.split("/")
    for pool, row_id in zip(steps[::2], steps[1::2], strict=True):
        rows = container.answer_pools.setdefault(pool, [])
        row = next((row for row in rows if row.id == row_id), None)
        if row is None:
            row = PoolRow(id=row_id)
            rows.append(row)
        container = row
    container.answers.setdefault(code, Answer()).value = value


@pytest.mark.parametrize("value", ["", [], None])
def test_blank_values_count_as_unanswered(value: Any) -> None:
    made = document({**ANSWERS, "kennel_name": value})

    assert settle(CATALOGUE, made).needed.quote == ("kennel_name",)


def test_applying_a_result_is_the_same_for_new_and_known_entries() -> None:
    made = document(ANSWERS)
    take_in(made, fire(CATALOGUE, made))

    assert fire(CATALOGUE, made).states == ()
