"""The places of questions on the page: columns that never change, and dependent questions below their cause."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest

from partner_engine.web.pages.field_places import FULL, Place, place_questions
from rules.definition.catalogue import CatalogueDefinition, Derived, Question, QuestionSet
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from tests.harness.edit_scripts import demo_catalogue

DEMO = demo_catalogue()


def catalogue(*questions: Question, **parts: object) -> CompiledCatalogue:
    return compile_catalogue(
        CatalogueDefinition(
            code="places",
            title="Places",
            question_sets=(QuestionSet(code="all", title="All", questions=questions),),
            **parts,  # type: ignore[arg-type]
        )
    )


def question(code: str, type_code: str = "text", label: str = "Label", when: str = "") -> Question:
    return Question(code=code, label=label, type=type_code, when=when)


def places(*questions: Question, **parts: object) -> list[tuple[str, str, str]]:
    placed = place_questions(catalogue(*questions, **parts), "all", lambda _: True)
    return [(found.code, place.part, place.after) for found, place in placed]


def test_two_questions_stand_beside_each_other_and_three_short_ones() -> None:
    short = question("c", "year"), question("d", "zip"), question("e", "money")

    assert places(question("a"), question("b"), *short) == [
        ("a", "1-of-2", ""), ("b", "2-of-2", ""),
        ("c", "1-of-3", ""), ("d", "2-of-3", ""), ("e", "3-of-3", ""),
    ]  # fmt: skip


def test_four_short_questions_are_two_lines_of_two() -> None:
    assert [part for _, part, _ in places(*(question(code, "year") for code in "abcd"))] == [
        "1-of-2", "2-of-2", "1-of-2", "2-of-2",
    ]  # fmt: skip


def test_a_long_text_has_a_line_of_its_own_and_so_has_a_question_with_a_long_label() -> None:
    assert places(question("a"), question("b", "long_text"), question("c", label="Word " * 12)) == [
        ("a", "1-of-2", ""), ("b", FULL, ""), ("c", FULL, ""),
    ]  # fmt: skip


def test_a_dependent_question_follows_its_cause_and_the_next_starts_a_line() -> None:
    rows = places(
        question("owns", "boolean"), question("name"), question("rent", "money", when="!owns"), question("end")
    )

    assert rows == [("owns", "1-of-2", ""), ("rent", FULL, "owns"), ("name", "1-of-2", ""), ("end", "2-of-2", "")]


def test_the_cause_may_come_later_in_the_catalogue() -> None:
    rows = places(question("reserve", "money", when="is_open"), question("is_open", "boolean"))

    assert rows == [("is_open", "1-of-2", ""), ("reserve", FULL, "is_open")]


def test_a_derived_value_leads_to_the_answers_that_it_is_made_of() -> None:
    rows = places(
        question("year", "year"),
        question("trade", "integer", when="d_age < 3"),
        derived=(Derived(code="d_age", value="2026 - year"),),
    )

    assert rows[1] == ("trade", FULL, "year")


def test_of_several_causes_the_last_one_counts_and_chains_stay_together() -> None:
    rows = places(
        question("kind", "boolean"),
        question("has_id", "boolean", when="kind"),
        question("id", when="!kind || has_id"),
        question("other"),
    )

    assert [(code, after) for code, _, after in rows] == [
        ("kind", ""), ("has_id", "kind"), ("id", "has_id"), ("other", ""),
    ]  # fmt: skip


def test_questions_with_one_condition_share_a_line_below_their_cause() -> None:
    rows = places(question("has", "boolean"), question("a", when="has"), question("b", when="has"))

    assert rows[1:] == [("a", "1-of-2", "has"), ("b", "2-of-2", "has")]


def test_the_catalogue_says_width_and_place_where_the_type_is_not_enough() -> None:
    rows = places(
        Question(code="a", label="A", type="text", width="third"),
        Question(code="b", label="B", type="text", width="third"),
        Question(code="c", label="C", type="text", width="third"),
        Question(code="d", label="D", type="year", width="full"),
        Question(code="e", label="E", type="text", below="b", when="d == 2000"),
    )

    assert rows == [
        ("a", "1-of-2", ""), ("b", "2-of-2", ""), ("e", FULL, "b"), ("c", "1-of-2", ""), ("d", FULL, ""),
    ]  # fmt: skip


def test_only_questions_that_the_reader_is_asked_have_places() -> None:
    placed = place_questions(catalogue(question("a"), question("b"), question("c")), "all", lambda code: code != "a")

    assert [(found.code, place.part) for found, place in placed] == [("b", "1-of-2"), ("c", "2-of-2")]


@pytest.mark.parametrize("set_code", sorted(DEMO.sets))
def test_no_question_of_the_demo_stands_right_of_a_gap(set_code: str) -> None:
    placed = place_questions(DEMO, set_code, lambda _: True)

    assert sorted(found.code for found, _ in placed) == sorted(
        found.code for found in DEMO.sets[set_code].question_set.questions
    )
    for (left, _), (right, place) in pairwise(placed):
        if place.part[:1] in ("2", "3"):
            assert (left.when, left.products) in (("", ()), (right.when, right.products))
    for _, line in groupby(placed, key=lambda pair: pair[1].part.partition("-of-")[2] or FULL):
        numbers = [place.part[:1] for _, place in line]
        assert all(number in ("1", "f") or number > before for before, number in pairwise(numbers))


def test_a_place_is_the_next_free_one_by_default() -> None:
    assert Place() == Place("", "")
