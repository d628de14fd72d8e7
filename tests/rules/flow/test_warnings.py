"""Warnings of validators: told at the answer, blocking nothing, gone once confirmed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copies.document import Answer, AnsweredBy, Confirmation, Document, find_container, walk_answers
from rules.flow.evaluation import Evaluation, Message
from rules.incremental import partial_run
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document, fire, settle, take_in
from tests.harness.tiers import amount


def warned(**validators: list[str]) -> dict[str, Any]:
    """Return the top-level sets with other validators for some questions."""
    sets = [
        {
            **part,
            "questions": [
                {**question, "validate": validators.get(question["code"], question.get("validate", []))}
                for question in part["questions"]
            ],
        }
        for part in BOARDING["question_sets"]
    ]
    return {"question_sets": sets}


CATALOGUE = boarding(**warned(income=["warn max:50000"], street=["warn unique_in_pool"]))
BY = Confirmation("max", AnsweredBy("user", "7", "web"), datetime(2026, 6, 1, tzinfo=UTC))


def warnings_in(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(message.path.rsplit("/")[-1], message.code) for message in evaluation.messages if message.kind == "warn"]


def made(**answers: Any) -> Document:
    return document({**ANSWERS, **answers})


def test_a_warning_blocks_nothing_and_is_a_message_at_its_answer() -> None:
    calm, doubtful = settle(CATALOGUE, made(income=50_000)), settle(CATALOGUE, made(income=60_000))

    assert calm.messages == ()
    assert doubtful.messages == (Message("warn", "income", "max", "Must be at most 50,000."),)
    assert type(doubtful.messages[0].text) is str
    assert doubtful.needed == calm.needed
    assert doubtful.eligibility["PAW-CARE"].outcome == "eligible"
    assert doubtful.eligibility["PAW-CARE"].premium is not None


def test_an_error_of_the_same_validator_is_needed_again() -> None:
    evaluation = settle(boarding(**warned(income=["max:50000"])), made(income=60_000))

    assert [(message.kind, message.path) for message in evaluation.messages] == [("error", "income")]
    assert "income" in evaluation.needed.quote


@pytest.mark.parametrize(("code", "is_gone"), [("max", True), ("min", False)])
def test_a_confirmed_warning_is_gone_and_no_other_one(code: str, is_gone: bool) -> None:
    doubtful = made(income=60_000)
    doubtful.answers["income"].confirmed = (Confirmation(code, BY.by, BY.at),)

    assert warnings_in(settle(CATALOGUE, doubtful)) == ([] if is_gone else [("income", "max")])


def test_a_relation_warns_in_each_row_that_nobody_has_confirmed() -> None:
    kennel = ANSWERS["kennels"][0]
    twice = made(kennels=[kennel, kennel])

    assert warnings_in(settle(CATALOGUE, twice)) == [("street", "unique_in_pool")] * 2
    twice.answer_pools["kennels"][0].answers["street"].confirmed = (Confirmation("unique_in_pool", BY.by, BY.at),)
    assert warnings_in(settle(CATALOGUE, twice)) == [("street", "unique_in_pool")]


def test_types_warn_by_themselves() -> None:
    evaluation = settle(boarding(), made(home_zip="78799", kennels=[{**ANSWERS["kennels"][0], "share": 0.5}]))
    unlisted = settle(boarding(), made(home_zip="78798"))

    assert warnings_in(evaluation) == [("share", "percent_below_one")]
    assert warnings_in(unlisted) == [("home_zip", "zip_unknown")]
    assert "home_zip" not in unlisted.needed.quote


DOUBTFUL = boarding(
    **warned(
        income=["warn max:50000"],
        street=["warn unique_in_pool"],
        share=["warn max:60", "pool_sum_max:100"],
        home_zip=["zip_matches_state:home_state"],
        vet_fee=["warn min_of:income"],
    )
)
STREETS = ["kennels/a/street", "kennels/b/street"]
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("income"), st.sampled_from([None, 100, 50_000, 60_000])),
        st.tuples(st.just("home_zip"), st.sampled_from([None, "78701", "78798", "43215"])),
        st.tuples(st.just("home_state"), st.sampled_from([None, "TX", "OH"])),
        st.tuples(st.just("exotic"), st.booleans()),
        st.tuples(st.just("vet"), st.booleans()),
        st.tuples(st.just("vet_fee"), st.sampled_from([None, 90, 90_000])),
        st.tuples(st.sampled_from(["kennels/a/share", "kennels/b/share"]), st.sampled_from([None, 0.5, 40, 70])),
        st.tuples(st.sampled_from(STREETS), st.sampled_from([None, "1 Bark", "2 Bark"])),
        st.tuples(
            st.just("confirm"),
            st.sampled_from(["income", "home_zip", "vet_fee", "kennels/a/share", *STREETS]),
        ),
    ),
    max_size=12,
)  # fmt: skip


def edit(made: Document, what: str, value: Any) -> str:
    """Change an answer, or confirm all its warnings; return its path."""
    path = value if what == "confirm" else what
    prefix, _, code = path.rpartition("/")
    container = find_container(made, prefix)
    assert container is not None
    stored = container.answers.setdefault(code, Answer())
    if what == "confirm":
        names = sorted(DOUBTFUL.questions[code].validators)
        stored.confirmed = tuple(Confirmation(name, BY.by, BY.at) for name in names) if stored.is_answered else ()
    elif stored.value != value:
        stored.value, stored.confirmed = value, ()
    return path


@settings(max_examples=amount(50, full=150), deadline=None)
@given(edits=EDITS)
def test_a_partial_run_warns_as_a_full_one(edits: list[tuple[str, Any]]) -> None:
    kennel = {**ANSWERS["kennels"][0], "pets": []}
    made_ = document({**ANSWERS, "kennels": [kennel, kennel]}, names=iter("ab"))
    before = settle(DOUBTFUL, made_)

    for what, value in edits:
        path = edit(made_, what, value)
        partial = partial_run.rerun(
            DOUBTFUL,
            made_,
            before=before,
            changed=(path,),
            as_of=AS_OF,
            release=7,
            reveal=lambda _, answer: answer.value,
        )
        whole = fire(DOUBTFUL, made_)
        assert partial.evaluation == whole.evaluation
        assert partial.refusals == whole.refusals
        take_in(made_, whole)
        before = whole.evaluation
        confirmed = {
            (path, item.code) for path, answer in walk_answers(made_) for item in answer.confirmed if answer.active
        }
        assert confirmed.isdisjoint(
            (message.path, message.code) for message in before.messages if message.kind == "warn"
        )
