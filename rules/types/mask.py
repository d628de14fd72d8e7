"""The mask of a secret answer, by the type of its question (ADR 10). Pure."""

from __future__ import annotations

from copies.document import AnswerValue
from rules.types.question_type import TypedQuestion
from rules.types.registry import type_of


def mask_of(question: TypedQuestion, value: AnswerValue) -> str:
    """Return what may be shown of ``value``, the secret answer to ``question``."""
    return type_of(question.type).mask(value)
