"""Plain questions are decided in one loop, and answers known to be sound are not judged again: the result is the one of
each question by itself, with nothing known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from copies.document import Answer, Document, PoolRow
from rules.definition.model import CompiledCatalogue, CompiledQuestion, PlainQuestions
from rules.flow import check_flow
from rules.flow.derived_sensitivity import sealed_codes
from rules.flow.evaluation import FlowResult
from rules.types.stored_verdicts import StoredVerdicts, key_of
from tests.batch.test_incremental_rules import full_run
from tests.batch.test_next_releases import filled, next_of
from tests.harness.boarding_catalogue import ANSWERS, BOARDING, boarding, document
from tests.harness.random_catalogues import random_catalogue
from tests.harness.tiers import amount

SEEDS = st.tuples(st.integers(0, 59), st.integers(1, 10_000))
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def forgetful(catalogue: CompiledCatalogue) -> CompiledCatalogue:
    """Return ``catalogue`` with each question decided by itself, and no answer known to be sound."""
    for question in catalogue.questions.values():
        question.verdicts.sound.clear()
    return replace(catalogue, plan=catalogue.steps)


@settings(max_examples=amount(8, full=200), deadline=None, suppress_health_check=QUIET)
@given(SEEDS)
def test_the_loop_decides_as_each_question_by_itself(made: tuple[int, int]) -> None:
    seed, script = made
    random = Random(script)
    stored = filled(random_catalogue(seed), random)
    release = next_of(random_catalogue(seed), random)

    first, again = full_run(release, stored), full_run(release, stored)

    assert first == again == full_run(forgetful(release), stored)


@pytest.mark.parametrize("seed", range(20))
def test_the_plan_has_all_steps_in_order(seed: int) -> None:
    catalogue = random_catalogue(seed)
    parts = [
        [plain.question for plain in part.questions] if isinstance(part, PlainQuestions) else [part]
        for part in catalogue.plan
    ]

    assert [step for part in parts for step in part] == list(catalogue.steps)
    for part in catalogue.plan:
        for plain in part.questions if isinstance(part, PlainQuestions) else ():
            question = plain.question
            assert (question.set_code, question.pool) == (part.set_code, part.pool)
            assert (question.when, question.required_when, question.gates) == (None, None, ())


def opened_by(catalogue: CompiledCatalogue, year: int) -> FlowResult:
    made = document({**ANSWERS, "opened_in": 2027})
    return check_flow.run(catalogue, made, as_of=date(year, 6, 1), release=1, reveal=lambda path, answer: answer.value)


def test_an_answer_that_is_sound_on_one_day_is_judged_on_another() -> None:
    sets = [*BOARDING["question_sets"]]
    opened = {"code": "opened_in", "label": "Opened in", "type": "integer", "validate": ["max:as_of"]}
    sets[0] = {**sets[0], "questions": [*sets[0]["questions"], opened]}
    catalogue = boarding(question_sets=sets)

    later, earlier = opened_by(catalogue, 2027), opened_by(catalogue, 2026)

    assert "opened_in" not in [refusal.path for refusal in later.refusals]
    assert "opened_in" in [refusal.path for refusal in earlier.refusals]


def test_only_answers_without_error_and_warning_are_known_to_be_sound() -> None:
    catalogue = boarding()
    income: CompiledQuestion = catalogue.questions["income"]

    for value in (5, -1, "many", True):
        made = document({**ANSWERS, "income": value})
        check_flow.run(catalogue, made, as_of=date(2026, 6, 1), release=1, reveal=lambda path, answer: answer.value)

    assert income.verdicts.sound == {key_of(5)}
    assert 5 not in income.verdicts.sound


def test_an_empty_text_is_no_answer_whatever_is_known() -> None:
    sets = [*BOARDING["question_sets"]]
    fenced = {"code": "fenced", "label": "Fenced", "type": "boolean", "required": "quote"}
    sets[0] = {**sets[0], "questions": [*sets[0]["questions"], fenced]}
    catalogue = boarding(question_sets=sets)
    assert hash("") == hash(False)

    for value in (False, ""):
        result = full_run(catalogue, document({**ANSWERS, "fenced": value}))

    assert "fenced" in result.evaluation.needed.quote


def test_a_full_memory_begins_anew() -> None:
    verdicts = StoredVerdicts()

    for number in range(3_000):
        verdicts.note_sound(f"name {number}")

    assert key_of("name 2999") in verdicts.sound
    assert len(verdicts.sound) <= 1_000


def test_sealed_answers_are_found_in_all_rows() -> None:
    sealed, plain = Answer(sealed=b"x"), Answer(value="plain")
    inner = PoolRow(id="2", answers={"c": sealed, "d": plain})
    made = Document(
        answers={"a": sealed, "b": plain},
        answer_pools={"outer": [PoolRow(id="1", answers={"b": sealed}, answer_pools={"inner": [inner]})]},
    )

    assert sealed_codes(made, among={"a", "b", "d", "e"}) == {"a", "b"}
    assert sealed_codes(made, among={"c"}) == {"c"}
    assert sealed_codes(made, among=frozenset()) == frozenset()
