"""Random edits of the demo form: no answer is lost while questions appear and disappear, and the result depends on the
answers only, not on the way to them.
"""

from __future__ import annotations

import os
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from batch.changes.decision import decide
from batch.errors import InvalidAnswers
from copies.document import Answer, Container, Document, PoolRow, walk_answers
from copies.mask import mask
from tests.harness.edit_scripts import OpenSealing, Step, carry_out, changeset_of, demo_catalogue, steps
from tests.harness.tiers import amount

SCRIPTS_IN_FULL = int(os.environ.get("EDIT_SCRIPTS", "10000"))


def fresh(container: Container, into: Container) -> None:
    """Copy the values and rows of people, without results of rules."""
    for code, answer in container.answers.items():
        if answer.is_answered:
            into.answers[code] = Answer(value=answer.value, sealed=answer.sealed, mask=answer.mask)
    for pool, rows in container.answer_pools.items():
        for row in rows:
            copy = PoolRow(id=row.id)
            into.answer_pools.setdefault(pool, []).append(copy)
            fresh(row, copy)


def picture(document: Document) -> dict[str, Any]:
    """Return the parts that must be equal for equal answers."""
    return {
        "answers": {
            path: (answer.value, answer.sealed, answer.mask, answer.active, answer.required)
            for path, answer in walk_answers(document)
        },
        "sets": [(found.code, found.completed_at is None) for found in document.question_sets],
    }


def run(script: list[Step]) -> None:
    document, held = Document(), {}
    evaluation = decide(changeset_of(document, demo_catalogue()))
    for step in script:
        before, held_before = msgspec.json.encode(document), dict(held)
        changeset = changeset_of(document, demo_catalogue())
        try:
            carry_out(changeset, step, held)
            evaluation = decide(changeset)
        except InvalidAnswers:
            # Refused, as a save would be: nothing has changed.
            document, held = msgspec.json.decode(before, type=Document), held_before

    kept = {path: answer for path, answer in walk_answers(document) if answer.is_answered}
    for path, value in held.items():
        if value in (None, []):
            assert path not in kept
        else:
            assert path in kept, f"{path} was lost"
            question = demo_catalogue().questions[path.rpartition("/")[2]].question
            shown = OpenSealing().reveal(path, kept[path])
            if question.type in {"fein", "ssn", "phone"}:
                assert str(shown).removeprefix("+1").replace("-", "") == value.replace("-", "")
                assert kept[path].mask in ("", mask(shown))
            elif question.type == "multi_choice":
                assert set(shown) == set(value)  # type: ignore[arg-type]
            else:
                assert shown == value

    again = Document()
    fresh(document, again)
    evaluated_again = decide(changeset_of(again, demo_catalogue()))
    assert picture(again) == picture(document)
    assert evaluated_again == evaluation


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=amount(20, full=150), deadline=None, suppress_health_check=QUIET)
@given(st.lists(steps(demo_catalogue()), min_size=1, max_size=25))
def test_no_edit_script_loses_an_answer(script: list[Step]) -> None:
    run(script)


@pytest.mark.slow
@settings(max_examples=SCRIPTS_IN_FULL, deadline=None, suppress_health_check=QUIET)
@given(st.lists(steps(demo_catalogue()), min_size=1, max_size=25))
def test_no_edit_script_of_many_loses_an_answer(script: list[Step]) -> None:
    run(script)
