"""The type ``year``: a year with four digits, displayed without a thousands separator. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.number_input import NUMBER_LENGTH, read_whole_number
from rules.types.question_type import QuestionType
from rules.types.text_input import InputContext, InvalidValue


def _read_text(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{4}", text):
        raise InvalidValue("not_a_year", "Enter a year with four digits, such as 1998.")
    return Decimal(text)


def _clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    year = read_whole_number(raw, _read_text, max_length)
    if not 1000 <= year <= 9999:
        raise InvalidValue("out_of_range", "Enter a year with four digits, such as 1998.")
    return year


YEAR: Final = QuestionType(
    code="year", kind=kinds.NUMBER, cleaner=_clean, max_length=NUMBER_LENGTH, input_mode="numeric"
)
