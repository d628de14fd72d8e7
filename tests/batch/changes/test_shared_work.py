"""The copies of a chunk share the cleaning of equal values, and of nothing else."""

from __future__ import annotations

import pytest

from batch.changes.shared_work import SharedWork
from copies.document import AnswerValue
from rules.definition.catalogue import Question
from rules.types.cleaning import InvalidValue

COUNT = Question(code="count", label="Count", type="integer")
NAME = Question(code="name", label="Name", type="text")


class Cleaning:
    """Cleans a value, and counts how often."""

    def __init__(self, value: AnswerValue) -> None:
        self.value = value
        self.calls = 0

    def __call__(self) -> AnswerValue:
        self.calls += 1
        return self.value


def test_an_equal_value_of_a_question_is_cleaned_once() -> None:
    shared, cleaning = SharedWork(), Cleaning(7)

    found = [shared.cleaned(COUNT, " 7 ", cleaning) for _ in range(3)]

    assert (found, cleaning.calls) == ([7, 7, 7], 1)


@pytest.mark.parametrize(("question", "submitted"), [(NAME, "1"), (COUNT, 1), (COUNT, True), (COUNT, "2")])
def test_another_question_type_or_value_is_cleaned_by_itself(question: Question, submitted: object) -> None:
    shared, cleaning = SharedWork(), Cleaning("other")
    shared.cleaned(COUNT, "1", Cleaning(1))

    assert (shared.cleaned(question, submitted, cleaning), cleaning.calls) == ("other", 1)


def test_a_yes_is_no_one() -> None:
    shared, cleaning = SharedWork(), Cleaning(1)
    shared.cleaned(COUNT, True, Cleaning("yes"))

    assert (shared.cleaned(COUNT, 1, cleaning), cleaning.calls) == (1, 1)


def test_lists_are_cleaned_each_time() -> None:
    shared, cleaning = SharedWork(), Cleaning(["a"])

    for _ in range(2):
        shared.cleaned(NAME, ["a"], cleaning)

    assert cleaning.calls == 2


def test_a_refused_value_is_refused_again() -> None:
    shared = SharedWork()

    def refuse() -> AnswerValue:
        raise InvalidValue("wrong_type", "Give a number.")

    for _ in range(2):
        with pytest.raises(InvalidValue):
            shared.cleaned(COUNT, "many", refuse)
