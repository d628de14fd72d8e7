"""Random edits of the demo form: whatever is shown and hidden on the way, no answer is lost, and how the form
came to its answers makes no difference to what is decided.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from batch.changeset import Changeset, Holding, Origin
from batch.deciding import decide
from batch.errors import InvalidAnswers
from copies.document import Answer, AnsweredBy, AnswerValue, Container, Document, PoolRow, walk_answers
from copies.masking import mask
from forms.catalogue.demo import CATALOGUE_FILE
from forms.catalogue.files import read_catalogue
from forms.rules.compile import compile_catalogue
from forms.rules.compiled import CompiledCatalogue
from forms.rules.definition import Question

AS_OF = date(2026, 6, 1)
ORIGIN = Origin(by=AnsweredBy("user", "7", "web"), now=datetime(2026, 6, 1, tzinfo=UTC))
SCRIPTS_IN_FULL = int(os.environ.get("EDIT_SCRIPTS", "10000"))


class OpenSealing:
    """Keeps sensitive values readable, so that the test can compare them."""

    def seal(self, path: str, value: AnswerValue) -> bytes:
        return msgspec.json.encode(value)

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        return answer.value if answer.sealed is None else msgspec.json.decode(answer.sealed)


@cache
def catalogue() -> CompiledCatalogue:
    return compile_catalogue(read_catalogue(CATALOGUE_FILE))


def changeset_of(document: Document) -> Changeset:
    return Changeset(Holding(document=document), catalogue=catalogue(), sealing=OpenSealing(), origin=ORIGIN)


SAMPLES: dict[str, list[Any]] = {
    "text": ["A", "Main house"],
    "long_text": ["A demo business described in a sentence."],
    "boolean": [True, False],
    "integer": [0, 1, 5, 40],
    "number": [0, 2.5, 400],
    "decimal": [0.8, 1.3],
    "money": [0, 500, 90_000, 4_000_000],
    "percent": [0, 22, 60],
    "date": ["2026-06-20", "2025-01-31", "1980-02-29"],
    "year": [1950, 1990, 2010, 2026],
    "zip": ["78701", "43215"],
    "email": ["robin@example.com"],
    "phone": ["614-555-0101"],
    "url": ["https://example.com"],
    "fein": ["00-0000001"],
    "ssn": ["987-65-4321", "987-65-4322"],
    "vin": ["1DMTRK451PX000002", "1DMTRLR19PX000003"],
    "naics": ["722511", "238160", "561730", "541512"],
}


def values_for(question: Question) -> st.SearchStrategy[Any]:
    """Return values that fit the question, and none."""
    codes = list(catalogue().choices(question)) if question.choices else []
    if question.type == "multi_choice":
        return st.lists(st.sampled_from(codes), max_size=4, unique=True)
    return st.sampled_from([*(codes or SAMPLES[question.type]), None])


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, Any, Any, int]:
    """Return one edit: (what, question or pool, value, which row)."""
    compiled = catalogue()
    which = draw(st.integers(0, 5))
    if draw(st.integers(0, 9)) < 3:
        what = draw(st.sampled_from(["add", "add", "remove"]))
        return what, draw(st.sampled_from(list(compiled.pools))), None, which
    # Half of the edits are to what shows and hides most.
    movers = [compiled.definition.lines_question, "mqs_naics", "mqs_legal_entity", "mqs_has_fein", "mqs_any_losses"]
    code = draw(st.sampled_from(movers) if draw(st.booleans()) else st.sampled_from(list(compiled.questions)))
    question = compiled.questions[code].question
    return "answer", code, draw(values_for(question)), which


def row_containers(changeset: Changeset, pool: str) -> list[str]:
    """Return the paths of all rows of ``pool``."""
    parent = catalogue().pools[pool].pool.parent
    if not parent:
        return [row.path for row in changeset.find_pool(pool).rows]
    return [
        row.path
        for outer in changeset.find_pool(parent).rows
        for row in outer.find_pool(pool).rows
    ]  # fmt: skip


def carry_out(changeset: Changeset, step: tuple[str, Any, Any, int], held: dict[str, Any]) -> None:
    """Do one edit; ``held`` keeps what every answer must still be."""
    what, name, value, which = step
    if what == "answer":
        pool = catalogue().questions[name].pool
        places = row_containers(changeset, pool) if pool else [""]
        if places:
            prefix = places[which % len(places)]
            mutator = changeset.find_answer(f"{prefix}/{name}" if prefix else name)
            mutator.apply(value)
            held[mutator.path] = value
    elif what == "add":
        parent = catalogue().pools[name].pool.parent
        outer = changeset.find_pool(parent).rows if parent else [changeset]
        if outer:
            pool_mutator = outer[which % len(outer)].find_pool(name)  # type: ignore[union-attr]
            if len(pool_mutator.rows) < 3:
                pool_mutator.add()
    else:
        places = row_containers(changeset, name)
        if places:
            path = places[which % len(places)]
            *_, pool_code, row_id = path.split("/")
            owner = changeset.find_pool(pool_code) if path.count("/") == 1 else None
            if owner is None:
                outer_path = path.split("/")
                owner = changeset.find_pool(outer_path[0]).find_row(outer_path[1]).find_pool(pool_code)
            owner.find_row(row_id).remove()
            for answered in [answered for answered in held if answered.startswith(path + "/")]:
                del held[answered]


def fresh(container: Container, into: Container) -> None:
    """Copy what people gave (values and rows) and nothing that rules made."""
    for code, answer in container.answers.items():
        if answer.is_answered:
            into.answers[code] = Answer(value=answer.value, sealed=answer.sealed, mask=answer.mask)
    for pool, rows in container.answer_pools.items():
        for row in rows:
            copy = PoolRow(id=row.id)
            into.answer_pools.setdefault(pool, []).append(copy)
            fresh(row, copy)


def picture(document: Document) -> dict[str, Any]:
    """Return what must be equal, whatever way led here."""
    return {
        "answers": {
            path: (answer.value, answer.sealed, answer.mask, answer.active, answer.required)
            for path, answer in walk_answers(document)
        },
        "sets": [(found.code, found.completed_at is None) for found in document.question_sets],
    }


def run(script: list[tuple[str, Any, Any, int]]) -> None:
    document, held = Document(), {}
    evaluation = decide(changeset_of(document), release=1, as_of=AS_OF)
    for step in script:
        before, held_before = msgspec.json.encode(document), dict(held)
        changeset = changeset_of(document)
        try:
            carry_out(changeset, step, held)
            evaluation = decide(changeset, release=1, as_of=AS_OF)
        except InvalidAnswers:
            # Refused, as a save would be: everything is as it was.
            document, held = msgspec.json.decode(before, type=Document), held_before

    kept = {path: answer for path, answer in walk_answers(document) if answer.is_answered}
    for path, value in held.items():
        if value in (None, []):
            assert path not in kept
        else:
            assert path in kept, f"{path} was lost"
            question = catalogue().questions[path.rpartition("/")[2]].question
            shown = OpenSealing().reveal(path, kept[path])
            if question.type in {"fein", "ssn", "phone"}:
                assert str(shown).replace("-", "") == value.replace("-", "")
                assert kept[path].mask in ("", mask(shown))
            elif question.type == "multi_choice":
                assert set(shown) == set(value)  # type: ignore[arg-type]
            else:
                assert shown == value

    again = Document()
    fresh(document, again)
    evaluated_again = decide(changeset_of(again), release=1, as_of=AS_OF)
    assert picture(again) == picture(document)
    assert evaluated_again == evaluation


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(st.lists(steps(), min_size=1, max_size=25))
def test_no_edit_script_loses_an_answer(script: list[tuple[str, Any, Any, int]]) -> None:
    run(script)


@pytest.mark.slow
@settings(max_examples=SCRIPTS_IN_FULL, deadline=None, suppress_health_check=QUIET)
@given(st.lists(steps(), min_size=1, max_size=25))
def test_no_edit_script_of_many_loses_an_answer(script: list[tuple[str, Any, Any, int]]) -> None:
    run(script)
