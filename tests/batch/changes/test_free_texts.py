"""Titles, names, reasons and messages are cleaned like answers, and contain nothing that acts on other text."""

from __future__ import annotations

import pytest

from batch.changes.free_texts import clean_line, clean_paragraphs
from batch.errors import LooksSensitive, WrongValue


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Copper   Kettle ", "Copper Kettle"),
        ("   ", ""),
        ("\u200b", ""),
        ("\u2800\u3164", ""),
        ("Cafe\u0301", "Caf\u00e9"),
        ("مطعم", "مطعم"),
    ],
)
def test_a_line_is_cleaned(text: str, cleaned: str) -> None:
    assert clean_line(text, field="title", most=200) == cleaned


@pytest.mark.parametrize("sign", ["\x07", "\x1b", "\x00", "\x85", "\u202e", "\u202a", "\u2066", "\u2069"])
def test_signs_that_act_on_other_text_are_refused(sign: str) -> None:
    for clean in (clean_line, clean_paragraphs):
        with pytest.raises(WrongValue):
            clean(f"a{sign}b", field="title", most=200)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\v", "\f", "\t"])
def test_a_line_has_no_second_one(end: str) -> None:
    with pytest.raises(WrongValue, match="one line"):
        clean_line(f"a{end}Bcc: x", field="title", most=200)


def test_paragraphs_keep_their_lines() -> None:
    assert clean_paragraphs("a\r\nb", field="text", most=200) == "a\nb"


def test_length_and_numbers_of_persons_are_refused() -> None:
    with pytest.raises(WrongValue):
        clean_line("x" * 201, field="title", most=200)
    with pytest.raises(LooksSensitive):
        clean_line("Bistro 987-65-4321", field="title", most=200)
