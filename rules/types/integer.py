"""The type ``integer``: a whole number. Pure."""

from __future__ import annotations

from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.formats import grouped_number
from rules.types.number_input import NUMBER_LENGTH, read_plain, read_whole_number
from rules.types.question_type import QuestionType
from rules.types.text_input import InputContext


def _clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    return read_whole_number(raw, read_plain, max_length)


INTEGER: Final = QuestionType(
    code="integer",
    kind=kinds.NUMBER,
    cleaner=_clean,
    max_length=NUMBER_LENGTH,
    input_mode="numeric",
    input_text=grouped_number,
    display=lambda value, currency: grouped_number(value),
)
