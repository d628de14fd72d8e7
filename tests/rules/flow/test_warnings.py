"""Warnings of validators: told at the answer, blocking nothing, gone once confirmed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from copies.document import AnsweredBy, Confirmation, Document
from rules.flow.evaluation import Evaluation, Message
from tests.harness.boarding_catalogue import ANSWERS, BOARDING, boarding, document, settle


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
