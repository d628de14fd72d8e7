"""The type ``text``: one line of text. Pure."""

from __future__ import annotations

from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, one_line, text_cleaner

TEXT: Final = QuestionType(
    code="text", kind=kinds.TEXT, cleaner=text_cleaner(one_line), max_length=LINE_LENGTH, mask=mask
)
