"""Stored answers are judged as submitted ones are: by the cleaning of their question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rules.definition.catalogue import Question
from rules.types.question_type import TypedQuestion
from rules.types.stored_verdicts import StoredFault, StoredVerdicts

CHOICES = {"small": "Up to 20 pounds", "large": "Over 20 pounds"}


class Lists:
    """A catalogue with one choice list."""

    currency = "USD"

    def choices(self, question: TypedQuestion) -> Mapping[str, str]:
        return CHOICES if question.choices else {}


def verdict(kind: str, stored: Any, **changes: Any) -> Any:
    choices = "sizes" if kind in ("choice", "multi_choice") else ""
    question = Question(code="q", label="?", type=kind, choices=choices, **changes)
    return StoredVerdicts().fault_of(Lists(), question, stored)


@pytest.mark.parametrize(
    ("kind", "stored", "code"),
    [
        # A choice was removed, also one of several.
        ("choice", "huge", "unknown_choice"),
        ("multi_choice", ["small", "huge"], "unknown_choice"),
        # A text became something narrower.
        ("choice", "hello", "unknown_choice"),
        ("zip", "hello", "zip5"),
        ("phone", "hello", "us_phone"),
        ("naics", "hello", "naics"),
        ("fein", "hello", "fein"),
        ("ssn", "hello", "ssn"),
        ("vin", "hello world, this is no vehicle", "vin"),
        ("email", "hello", "email"),
        ("date", "hello", "wrong_type"),
        ("boolean", "yes", "wrong_type"),
        ("multi_choice", "small", "wrong_type"),
        # A number became something narrower.
        ("integer", 2.5, "not_whole"),
        ("year", 2.5, "not_whole"),
        ("year", 98765, "out_of_range"),
        ("money", 1.23456, "wrong_format"),
        ("text", 5, "wrong_type"),
        # It would be accepted today, but stored otherwise.
        ("zip", "78701-1234", "wrong_format"),
        ("text", "two  spaces", "wrong_format"),
        ("integer", "5", "wrong_type"),
    ],
)
def test_an_answer_that_would_be_refused_today_is_a_fault(kind: str, stored: Any, code: str) -> None:
    found = verdict(kind, stored)

    assert isinstance(found, StoredFault)
    assert found.code == code
    assert str(stored) not in found.text


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("choice", "small"),
        ("multi_choice", ["large", "small"]),  # in the order of an earlier release
        ("text", "Happy Tails"),
        ("long_text", "two\nlines"),
        ("boolean", False),
        ("integer", 0),
        ("money", 12.5),
        ("zip", "78701"),
        ("date", "2026-01-31"),
        ("fein", "12-3456789"),
        ("vin", "1DMTRK451PX000002"),
    ],
)
def test_a_valid_answer_has_no_fault(kind: str, stored: Any) -> None:
    found = verdict(kind, stored)

    assert found is None


def test_equal_values_of_other_types_have_verdicts_of_their_own() -> None:
    verdicts, question = StoredVerdicts(), Question(code="q", label="?", type="boolean")

    assert verdicts.fault_of(Lists(), question, True) is None
    assert isinstance(verdicts.fault_of(Lists(), question, 1), StoredFault)
    assert verdicts.fault_of(Lists(), question, True) is None


def test_verdicts_are_remembered_without_the_values() -> None:
    verdicts = StoredVerdicts()

    verdicts.fault_of(Lists(), Question(code="q", label="?", type="text", sensitivity="pii"), "Robin Example")

    assert len(verdicts._known) == 1
    assert "Robin" not in repr(verdicts._known)


def test_numbers_of_equal_hashes_have_verdicts_of_their_own() -> None:
    verdicts, question = StoredVerdicts(), Question(code="q", label="?", type="integer")
    assert hash(-1) == hash(-2)

    assert [verdicts.fault_of(Lists(), question, number) for number in (-1, -2, 2)] == [None, None, None]
    assert len(verdicts._known) == 3


def test_only_so_many_verdicts_are_remembered() -> None:
    verdicts, question = StoredVerdicts(), Question(code="q", label="?", type="text")

    for number in range(3000):
        assert verdicts.fault_of(Lists(), question, f"name {number}") is None

    assert len(verdicts._known) == 1000
