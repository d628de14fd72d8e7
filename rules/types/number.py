"""The type ``number``: any number. Pure."""

from __future__ import annotations

from typing import Final

from rules.language import kinds
from rules.types.formats import grouped_number
from rules.types.number_input import NUMBER_LENGTH, clean_number
from rules.types.question_type import QuestionType

NUMBER: Final = QuestionType(
    code="number",
    kind=kinds.NUMBER,
    cleaner=clean_number,
    max_length=NUMBER_LENGTH,
    input_mode="decimal",
    input_text=grouped_number,
    display=lambda value, currency: grouped_number(value),
)
