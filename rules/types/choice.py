"""The type ``choice``: the code of one choice of a list. Pure.

A choice is named by its code or by its label, in capitals or not.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

from copies.document import AnswerValue
from rules.invisible import drop_invisible
from rules.language import kinds
from rules.reference_data import state_names
from rules.types.question_type import QuestionType
from rules.types.text_input import InputContext, InvalidValue, typed_text

#: The limit of a choice's code, or of the label in its place, in characters.
CODE_LENGTH: Final = 100


def clean_choice(raw: object, max_length: int, choices: Mapping[str, str]) -> str | None:
    """Return the code of a choice that ``raw`` names; None for blank text.

    Raises ``InvalidValue``, also for a text that names several choices.
    """
    if isinstance(raw, str) and raw in choices:
        return raw
    entered = typed_text(raw, max_length)
    if not entered:
        return None
    if entered in choices:
        return entered
    name = _folded(entered)
    named = [code for code, label in choices.items() if name in (_folded(code), _folded(label))]
    # Lists of states often have no labels but the codes.
    state = state_names().get(name)
    if not named and state in choices:
        return state
    if len(named) != 1:
        text = "Several choices have this name. Enter the code of one." if named else "This is not one of the choices."
        raise InvalidValue("unknown_choice", text)
    return named[0]


def _clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    return clean_choice(raw, max_length, context.choices)


def _folded(text: str) -> str:
    """Return ``text`` as names are compared: without case, invisible signs and differences of spaces."""
    return " ".join(unicodedata.normalize("NFC", drop_invisible(text).casefold()).split())


CHOICE: Final = QuestionType(
    code="choice", kind=kinds.TEXT, cleaner=_clean, max_length=CODE_LENGTH, has_choices=True, widget="select"
)
