"""Masks of sensitive answers by the question's type."""

from __future__ import annotations

import pytest

from copies.document import AnswerValue
from rules.definition.catalogue import Question
from rules.types.mask import mask_of


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("ssn", "987-65-4321", "•••• 4321"),
        ("fein", "00-0000001", "•••• 0001"),
        ("text", "A1234567", "•••• 567"),
        ("date", "1980-02-29", "••••"),
        ("boolean", True, "••••"),
        ("boolean", False, "••••"),
        ("choice", "bankrupt", "••••"),
        ("multi_choice", ["a", "b"], "••••"),
        ("money", 125_000, "••••"),
        ("email", "robin@example.com", "••••"),
        ("long_text", "All of it", "••••"),
    ],
)
def test_only_the_end_of_a_number_is_shown(kind: str, value: AnswerValue, shown: str) -> None:
    assert mask_of(Question(code="q", label="Q", type=kind, sensitivity="spi"), value) == shown
