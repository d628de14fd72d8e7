"""The type ``percent``: a number of percent; 12.5 is 12.5 %. Pure."""

from __future__ import annotations

from typing import Final

from rules.language import kinds
from rules.types.formats import grouped_number
from rules.types.number_input import NUMBER_LENGTH, clean_number
from rules.types.question_type import QuestionType

PERCENT: Final = QuestionType(
    code="percent",
    kind=kinds.NUMBER,
    cleaner=clean_number,
    max_length=NUMBER_LENGTH,
    input_mode="decimal",
    unit="%",
    input_text=grouped_number,
    display=lambda value, currency: f"{grouped_number(value)}%",
)
