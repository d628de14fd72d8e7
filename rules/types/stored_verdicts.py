"""Judges stored answers as submitted ones are judged: by the cleaning of their question. Pure.

A release can remove a choice or narrow a type under an answer that was valid when it was submitted.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from copies.document import AnswerValue
from rules.language.values import Value
from rules.types.cleaning import InputCatalogue, InvalidValue, clean
from rules.types.question_type import TypedQuestion
from rules.types.registry import type_of
from rules.types.stored_answers import WRONG_TYPE, TypeMismatch

#: The code of the error of an answer that would be accepted today, but stored in another form.
WRONG_FORMAT: Final = "wrong_format"
#: The verdicts that are remembered for each question: more values than any list of choices has.
_MOST: Final = 1_000
#: Longer texts are rarely the same in two forms.
_LONGEST: Final = 100


class StoredFault(NamedTuple):
    """The reason why a stored answer would be refused today, with the code of the entrance."""

    code: str
    text: str


_WRONG_TYPE: Final = StoredFault(WRONG_TYPE, "This answer no longer fits the question.")
_WRONG_FORMAT: Final = StoredFault(WRONG_FORMAT, "Enter this answer again: the question now takes another format.")


class StoredVerdicts:
    """The verdicts on the stored answers to one question of one release.

    They are remembered, because the same choices are stored in many forms; those of sensitive answers are not.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        """Start without verdicts."""
        self._known: dict[object, Value | StoredFault] = {}

    def of(self, catalogue: InputCatalogue, question: TypedQuestion, stored: AnswerValue) -> Value | StoredFault:
        """Return ``stored``, an answer to ``question`` with a value, as a value for rules, or the fault for which it
        would be refused today.

        ``question`` and ``catalogue`` must be the same at every call.
        """
        if question.sensitivity or (stored.__class__ is str and len(stored) > _LONGEST):
            return _verdict(catalogue, question, stored)
        # True, 1 and 1.0 are equal as keys.
        key = (stored.__class__, tuple(stored) if stored.__class__ is list else stored)
        known = self._known.get(key)
        if known is None:
            known = _verdict(catalogue, question, stored)
            if len(self._known) < _MOST:
                self._known[key] = known
        return known


def _verdict(catalogue: InputCatalogue, question: TypedQuestion, stored: AnswerValue) -> Value | StoredFault:
    try:
        value = type_of(question.type).reader(stored)
    except TypeMismatch:
        return _WRONG_TYPE
    try:
        cleaned = clean(catalogue, question, stored)
    except InvalidValue as error:
        return StoredFault(error.code, error.text)
    if isinstance(stored, list) and isinstance(cleaned, list):
        # A release that only puts the choices in another order changes no answer.
        return value if set(stored) == set(cleaned) else _WRONG_FORMAT
    return value if cleaned == stored else _WRONG_FORMAT
