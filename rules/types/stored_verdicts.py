"""Judges stored answers as submitted ones are judged: by the cleaning of their question. Pure.

A release can remove a choice or narrow a type under an answer that was valid when it was submitted.
"""

from __future__ import annotations

import secrets
from collections.abc import Hashable
from typing import Final, NamedTuple

from copies.document import AnswerValue
from rules.types.cleaning import InputCatalogue, InvalidValue, clean
from rules.types.question_type import TypedQuestion
from rules.types.registry import type_of
from rules.types.stored_answers import WRONG_TYPE, TypeMismatch

#: The code of the error of an answer that would be accepted today, but stored in another form.
WRONG_FORMAT: Final = "wrong_format"
#: Hides whole numbers in the memory of verdicts.
SALT: Final = secrets.randbits(60)
#: Stands for a verdict that is not remembered; None is one.
_UNJUDGED: Final = object()
#: The verdicts that are remembered for each question.
_MOST: Final = 1_000


class StoredFault(NamedTuple):
    """The reason why a stored answer would be refused today, with the code of the entrance."""

    code: str
    text: str


_WRONG_TYPE: Final = StoredFault(WRONG_TYPE, "This answer no longer fits the question.")
_WRONG_FORMAT: Final = StoredFault(WRONG_FORMAT, "Enter this answer again: the question now takes another format.")


class StoredVerdicts:
    """The verdicts on the stored answers to one question of one release.

    They are remembered, because many answers are equal, and one form is decided many times. The values themselves are
    not: keys are hashes, which Python salts in each process, and salted whole numbers.

    ``sound`` are the keys (``key_of``) of values that have no fault and pass all checks of the question on any day.
    """

    __slots__ = ("_known", "sound")

    def __init__(self) -> None:
        """Start without verdicts."""
        self._known: dict[Hashable, StoredFault | None] = {}
        self.sound: set[int] = set()

    def note_sound(self, stored: AnswerValue) -> None:
        """Remember that ``stored`` has no fault and passes all checks of the question on any day."""
        key = key_of(stored)
        if key is None:
            return
        if len(self.sound) >= _MOST:
            # Rather the values of now than those that came first.
            self.sound.clear()
        self.sound.add(key)

    def fault_of(self, catalogue: InputCatalogue, question: TypedQuestion, stored: AnswerValue) -> StoredFault | None:
        """Return the fault for which ``stored``, an answer to ``question`` with a value, would be refused today, or
        None.

        ``question`` and ``catalogue`` must be the same at every call.
        """
        kind = stored.__class__
        key: Hashable
        if kind is str:
            key = hash(stored)
        elif kind is int:
            # Not by their hashes, of which some are equal (-1 and -2).
            key = (stored ^ SALT,)  # type: ignore[operator]
        else:
            key = (kind, hash(tuple(stored) if isinstance(stored, list) else repr(stored)))
        known = self._known.get(key, _UNJUDGED)
        if known is not _UNJUDGED:
            return known  # type: ignore[return-value]  # a fault or None
        fault = _fault(catalogue, question, stored)
        if len(self._known) < _MOST:
            self._known[key] = fault
        return fault


def key_of(stored: AnswerValue) -> int | None:
    """Return the key of a text, a whole number, a yes or a no among the sound values; None for any other value.

    The types need no keys of their own: of one question, values of only one type are sound.
    """
    kind = stored.__class__
    if kind is str:
        # The hash of an empty text, which is no answer, is 0 and so equal to a no.
        return hash(stored) or None
    if kind is int:
        return stored ^ SALT  # type: ignore[operator]
    return stored if kind is bool else None  # type: ignore[return-value]


def _fault(catalogue: InputCatalogue, question: TypedQuestion, stored: AnswerValue) -> StoredFault | None:
    try:
        type_of(question.type).reader(stored)
    except TypeMismatch:
        return _WRONG_TYPE
    try:
        cleaned = clean(catalogue, question, stored)
    except InvalidValue as error:
        return StoredFault(error.code, error.text)
    if isinstance(stored, list) and isinstance(cleaned, list):
        # A release that only puts the choices in another order changes no answer.
        return None if set(stored) == set(cleaned) else _WRONG_FORMAT
    return None if cleaned == stored else _WRONG_FORMAT
