"""Answers that are needed only while a condition is true."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from copies.document import Answer, Document
from presentation.visibility import NOBODY, Visibility
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from rules.definition.model import CompiledCatalogue
from rules.explain.trace import explain
from rules.flow import check_flow
from rules.flow.evaluation import FlowResult
from rules.incremental import partial_run
from tests.harness.boarding_catalogue import AS_OF


def catalogue(*questions: dict[str, Any], rows: tuple[dict[str, Any], ...] = ()) -> CompiledCatalogue:
    sets: list[dict[str, Any]] = [{"code": "start", "title": "Start", "questions": list(questions)}]
    if rows:
        sets.append({"code": "rows", "title": "Rows", "pool": {"code": "rows"}, "questions": list(rows)})
    source = {"code": "c", "title": "C", "choices": {"kinds": {"ind": "Person", "llc": "LLC"}}, "question_sets": sets}
    return compile_catalogue(msgspec.convert(source, CatalogueDefinition))


def question(code: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"code": code, "label": code, "type": kind, **more}


ENTITY = question("entity", "choice", choices="kinds", required="quote")
FEIN = question("fein", "fein", required={"quote": 'entity != "ind"', "bind": "answered(entity)"})
PHONE = question("phone", required={"quote": "!answered(email)"})
EMAIL = question("email", required={"quote": "!answered(phone)"})


def document(**answers: Any) -> Document:
    return Document(answers={code: Answer(value=value, active=True) for code, value in answers.items()})


def run(compiled: CompiledCatalogue, made: Document) -> FlowResult:
    return check_flow.run(compiled, made, as_of=AS_OF, release=7, reveal=lambda path, answer: answer.value)


def settle(made: Document, result: FlowResult) -> None:
    for state in result.states:
        answer = made.answers.setdefault(state.path, Answer())
        answer.active, answer.required = state.active, state.required
    for path in result.dropped:
        made.answers.pop(path, None)


@pytest.mark.parametrize(
    ("answers", "quote", "bind"),
    [
        ({}, ("entity",), ("entity",)),
        ({"entity": "llc"}, ("fein",), ("fein",)),
        ({"entity": "ind"}, (), ("fein",)),
        ({"entity": "llc", "fein": "12-3456789"}, (), ()),
    ],
)
def test_a_tax_id_is_needed_unless_the_owner_is_a_person(
    answers: dict[str, Any], quote: tuple[str, ...], bind: tuple[str, ...]
) -> None:
    needed = run(catalogue(ENTITY, FEIN), document(**answers)).evaluation.needed

    assert (needed.quote, needed.bind) == (quote, bind)


@pytest.mark.parametrize(
    ("answers", "quote"),
    [({}, ("phone", "email")), ({"phone": "x"}, ()), ({"email": "x"}, ()), ({"phone": "x", "email": "y"}, ())],
)
def test_two_questions_can_each_be_needed_without_the_other(answers: dict[str, Any], quote: tuple[str, ...]) -> None:
    assert run(catalogue(PHONE, EMAIL), document(**answers)).evaluation.needed.quote == quote


def test_the_answer_says_what_needs_it() -> None:
    states = {state.path: state.required for state in run(catalogue(ENTITY, FEIN), document(entity="llc")).states}

    assert states["fein"] == "quote"


def test_applying_the_result_changes_nothing_more() -> None:
    compiled, made = catalogue(ENTITY, FEIN, PHONE, EMAIL), document(entity="ind")

    settle(made, run(compiled, made))

    assert run(compiled, made).states == ()


def test_a_hidden_question_is_never_needed() -> None:
    hidden = {**FEIN, "when": "entity == 'llc'", "required": {"quote": "true || answered(entity)"}}

    assert run(catalogue(ENTITY, hidden), document(entity="ind")).evaluation.needed.quote == ()


@pytest.mark.parametrize("before", [{}, {"entity": "ind"}, {"entity": "llc"}])
@pytest.mark.parametrize("after", [{"entity": "ind"}, {"entity": "llc"}, {"phone": "x"}, {"email": None}])
def test_a_partial_run_returns_the_result_of_a_full_one(before: dict[str, Any], after: dict[str, Any]) -> None:
    compiled, made = catalogue(ENTITY, FEIN, PHONE, EMAIL, *(question(f"q{n}") for n in range(40))), document(**before)
    first = run(compiled, made)
    settle(made, first)
    for code, value in after.items():
        made.answers[code].value = value

    found = partial_run.rerun(
        compiled, made, before=first.evaluation, changed=tuple(after), as_of=AS_OF, release=7,
        reveal=lambda path, answer: answer.value,
    )  # fmt: skip

    assert msgspec.to_builtins(found) == msgspec.to_builtins(run(compiled, made))


def test_an_explanation_names_the_conditions() -> None:
    made = document(entity="llc")
    compiled = catalogue(ENTITY, FEIN)

    explained = explain(
        compiled, made, "question:fein", as_of=AS_OF, reveal=lambda path, answer: answer.value,
        visibility=Visibility(compiled, NOBODY),
    )  # fmt: skip

    assert [(rule.id, rule.text, rule.truth) for rule in explained.rules] == [
        ("fein:quote", "Needed before a quote.", "true"),
        ("fein:bind", "Needed before binding.", "true"),
    ]


@pytest.mark.parametrize(
    ("required", "code", "where"),
    [
        ({"quote": "entty == 'ind'"}, "unknown_question", "required.quote"),
        ({"bind": "entity"}, "type_error", "required.bind"),
        ({}, "missing_value", "required"),
    ],
)
def test_a_wrong_condition_is_a_fault(required: dict[str, str], code: str, where: str) -> None:
    with pytest.raises(CatalogueErrors) as caught:
        catalogue(ENTITY, {**FEIN, "required": required})

    [fault] = caught.value.faults
    assert (fault.code, fault.where) == (code, f"question_sets[start].questions[fein].{where}")
