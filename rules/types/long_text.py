"""The type ``long_text``: text of several lines. Pure."""

from __future__ import annotations

from typing import Final

from rules.language import kinds
from rules.types.question_type import QuestionType
from rules.types.text_input import text_cleaner, unchanged

LONG_TEXT: Final = QuestionType(
    code="long_text", kind=kinds.TEXT, cleaner=text_cleaner(unchanged), max_length=20_000, widget="area"
)
