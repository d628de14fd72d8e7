"""The type ``choice``: the code of one choice of a list. Pure."""

from __future__ import annotations

from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.question_type import QuestionType
from rules.types.text_input import CleaningContext, InvalidValue, clean_text

#: The limit of a choice's code, in characters.
CODE_LENGTH: Final = 100


def clean_choice(raw: object, context: CleaningContext) -> str | None:
    """Return the code of a choice; None for blank text. Raises ``InvalidValue``."""
    code = clean_text(raw, context.max_length)
    if code and code not in context.choices:
        raise InvalidValue("unknown_choice", "This is not one of the choices.")
    return code or None


def _clean(raw: object, context: CleaningContext) -> AnswerValue:
    return clean_choice(raw, context)


CHOICE: Final = QuestionType(
    code="choice", kind=kinds.TEXT, cleaner=_clean, max_length=CODE_LENGTH, has_choices=True, widget="select"
)
