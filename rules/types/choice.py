"""The type ``choice``: the code of one choice of a list. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.language import kinds
from rules.types.question_type import QuestionType
from rules.types.text_input import InvalidValue, clean_text

#: The limit of a choice's code, in characters.
CODE_LENGTH: Final = 100


def clean_choice(raw: object, max_length: int, choices: Mapping[str, str]) -> str | None:
    """Return the code of a choice; None for blank text. Raises ``InvalidValue``."""
    code = clean_text(raw, max_length)
    if code and code not in choices:
        raise InvalidValue("unknown_choice", "This is not one of the choices.")
    return code or None


CHOICE: Final = QuestionType(
    code="choice", kind=kinds.TEXT, cleaner=clean_choice, max_length=CODE_LENGTH, has_choices=True, widget="select"
)
