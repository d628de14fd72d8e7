"""What may be shown of a sensitive answer: the end of a number that names something, of anything else nothing. Pure."""

from __future__ import annotations

from typing import Final

from copies.document import AnswerValue
from copies.mask import HIDDEN, mask
from rules.definition.catalogue import Question, QuestionType

#: Numbers of persons and things, told apart by their end. Of a birthday, a yes or a choice the end would tell all.
_NUMBERS: Final[frozenset[QuestionType]] = frozenset({"ssn", "fein", "vin", "phone", "text"})


def mask_of(question: Question, value: AnswerValue) -> str:
    """Return what may be shown of ``value``, the sensitive answer to ``question``."""
    return mask(value) if question.type in _NUMBERS else HIDDEN
