"""The type ``zip``: a five-digit ZIP code; the four digits of a ZIP+4 are dropped. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, pattern_cleaner


def is_zip(text: str, allow_test: bool = False) -> bool:
    """Return whether ``text`` has the five digits of a ZIP code."""
    return bool(re.fullmatch("[0-9]{5}", text))


ZIP: Final = QuestionType(
    code="zip",
    kind=kinds.TEXT,
    cleaner=pattern_cleaner(r"\d{5}(\d{4})?", lambda bare: bare[:5], code="zip5", text="Enter a five-digit ZIP code."),
    max_length=LINE_LENGTH,
    validators=MappingProxyType({"zip5": without_arguments("zip5", text_test(is_zip, "A ZIP code has five digits."))}),
    input_mode="numeric",
)
