"""The type ``integer``: a whole number. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.formats import grouped_number
from rules.types.number_input import NUMBER_LENGTH, read_whole_number
from rules.types.question_type import QuestionType


def _clean(raw: object, max_length: int, choices: Mapping[str, str]) -> AnswerValue:
    return read_whole_number(raw, max_length)


INTEGER: Final = QuestionType(
    code="integer",
    kind=kinds.NUMBER,
    cleaner=_clean,
    max_length=NUMBER_LENGTH,
    input_mode="numeric",
    input_text=grouped_number,
    display=lambda value, currency: grouped_number(value),
)
