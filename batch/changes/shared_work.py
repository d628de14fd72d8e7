"""The results of pure functions that the copies of one chunk share: equal inputs are computed once. Pure.

A chunk of an import has the same choices, numbers and yes or no in many of its forms. The results live as long as the
chunk, and stay in its memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from copies.document import AnswerValue
from rules.definition.catalogue import Question

#: The types of submitted values that are compared; a list could be changed by its receiver.
_COMPARED: Final = frozenset({str, int, bool})
_Key: TypeAlias = tuple[int, type, object]


class SharedWork:
    """The cleaned values of a chunk, by question and submitted value."""

    def __init__(self) -> None:
        """Start with nothing computed."""
        self._cleaned: dict[_Key, AnswerValue] = {}
        #: The questions by whose identity values are stored: none is freed meanwhile.
        self._questions: dict[int, Question] = {}

    def cleaned(self, question: Question, submitted: object, clean: Callable[[], AnswerValue]) -> AnswerValue:
        """Return what ``clean`` returned for the same value of ``question`` before, else what it returns now. Raises
        what ``clean`` raises, which is not stored.
        """
        if type(submitted) not in _COMPARED:
            return clean()
        key = (id(question), type(submitted), submitted)
        if key not in self._cleaned:
            self._questions[id(question)] = question
            self._cleaned[key] = clean()
        return self._cleaned[key]
