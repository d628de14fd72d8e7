"""The keys of a catalogue that arrange the page, and the names of a premium's parts: faults and defaults."""

from __future__ import annotations

from typing import Any

import pytest

from rules.definition.catalogue import (
    CatalogueDefinition,
    Derived,
    Factor,
    Pool,
    Question,
    QuestionSet,
    RateTable,
    Term,
)
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from rules.definition.rating_labels import RatingLabels
from tests.harness.edit_scripts import demo_catalogue


def question(code: str, type_code: str = "text", **keys: Any) -> Question:
    return Question(code=code, label=code.capitalize(), type=type_code, **keys)


def faults(*questions: Question, pool: str = "", **keys: Any) -> list[tuple[str, str]]:
    start = QuestionSet(
        code="start",
        title="Start",
        questions=(
            question("first"),
            question("last"),
            question("home_zip", "zip"),
            question("secret", sensitivity="spi"),
        ),
    )
    rows = QuestionSet(code="rows", title="Rows", pool=Pool(code=pool) if pool else None, questions=questions, **keys)
    try:
        compile_catalogue(CatalogueDefinition(code="c", title="C", question_sets=(start, rows)))
    except CatalogueErrors as errors:
        assert all(fault.text and fault.remedy for fault in errors.faults)
        return [(fault.code, fault.where.removeprefix("question_sets[rows].")) for fault in errors.faults]
    return []


def test_a_question_goes_below_another_one_of_its_set_and_not_in_circles() -> None:
    assert faults(question("a"), question("b", below="a"), question("c", below="b")) == []
    assert faults(question("a", below="first")) == [("unknown_question", "questions[a].below")]
    assert faults(question("a", below="a")) == [("cycle", "questions[a].below")]
    assert faults(question("a", below="b"), question("b", below="a")) == [
        ("cycle", "questions[a].below"),
        ("cycle", "questions[b].below"),
    ]


def test_an_address_has_each_part_once_and_in_its_type() -> None:
    assert faults(question("a", "zip", address="zip"), question("b", address="city")) == []
    assert faults(question("a", address="zip")) == [("type_error", "questions[a].address")]
    assert faults(question("a", address="city"), question("b", address="city")) == [
        ("wrong_value", "questions[b].address")
    ]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (question("a", same_as=("firs",)), "unknown_question"),
        (question("a", same_as=("a",)), "wrong_place"),
        (question("a", same_as=("secret",)), "sensitive"),
        (question("a", sensitivity="spi", same_as=("first",)), "sensitive"),
        (question("a", same_as=("home_zip",)), "type_error"),
        (question("a", "zip", same_as=("home_zip", "first")), "type_error"),
    ],
)
def test_an_answer_that_cannot_be_taken_over_is_a_fault(asked: Question, code: str) -> None:
    assert set(faults(asked, pool="rows")) == {(code, "questions[a].same_as")}


def test_answers_of_the_same_type_and_joined_texts_are_taken_over() -> None:
    taken = question("a", same_as=("first", "last")), question("b", "zip", same_as=("home_zip",))

    assert faults(*taken, pool="rows", same_as_label="The contact") == []
    assert faults(question("a"), same_as_label="The contact") == [("wrong_value", "same_as_label")]


def test_parts_of_a_premium_are_named_by_the_questions_that_they_read() -> None:
    labels = RatingLabels(
        CatalogueDefinition(
            code="c",
            title="C",
            question_sets=(
                QuestionSet(code="start", title="Start", questions=(question("sales", "money"),)),
                QuestionSet(
                    code="staff",
                    title="Staff",
                    pool=Pool(code="staff"),
                    questions=(question("pay", "money"), Question(code="id", label="VIN", type="text")),
                ),
            ),
            derived=(
                Derived(code="d_sum", value="sum(staff.map(s, s.pay))", label="Payroll"),
                Derived(code="d_loop", value="d_loop + 1"),
                Derived(code="d_deep", value="d_twice * 2"),
                Derived(code="d_twice", value='"sales" == "x" ? 0 : sales * 2'),
            ),
        )
    )

    def table(**keys: str) -> str:
        return labels.of_table(RateTable(pool="staff", rates={}, **keys))

    assert labels.of_term(Term(rate="1", of="sales / 2")) == "Sales"
    assert labels.of_term(Term(rate="1", of="sales", label="Turnover")) == "Turnover"
    assert labels.of_term(Term(rate="1", of="d_sum")) == "Payroll"
    assert labels.of_term(Term(rate="1", of="d_deep")) == "Sales"
    assert labels.of_term(Term(rate="1", of="d_loop")) == "d_loop + 1"
    assert labels.of_term(Term(rate="1", of="12")) == "12"
    assert table(rate_by="pay") == "Staff"
    assert table(rate_by="id", amount="pay") == "Pay by VIN"
    assert table(rate_by="sales", amount="pay") == "Pay by sales"
    assert table(rate_by="id", amount="pay", label="By class") == "By class"
    assert labels.of_factor(Factor(id="f", when="sales > 5", times="2")) == "Sales"
    assert labels.of_factor(Factor(id="f", when="sales > 5", times="2", label="Large")) == "Large"


def test_the_demo_names_each_part_of_its_premiums() -> None:
    products = demo_catalogue().products

    named = {term.label for product in products.values() for term in product.terms}
    named |= {table.label for product in products.values() for table in product.tables}
    named |= {factor.label for product in products.values() for factor in product.factors}
    assert {"Total insured value", "Annual payroll by class", "Losses in the last 3 years"} <= named
    assert not [label for label in named if "_" in label or "(" in label.replace("(occurrence", "")]
