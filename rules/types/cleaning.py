"""Cleaning: brings an entered answer into its stored form, or refuses it. Pure.

What people type in several ways is normalized instead of refused (phones, money, ZIP+4, tax IDs, dates).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from copies.document import AnswerValue
from rules.types.question_type import TypedQuestion
from rules.types.registry import type_of
from rules.types.text_input import NO_CHOICES, InvalidValue

__all__ = ["InvalidValue", "clean"]


class InputCatalogue(Protocol):
    """The parts of a catalogue that cleaning depends on."""

    @property
    def currency(self) -> str:
        """Return the code of the catalogue's currency."""

    def choices(self, question: TypedQuestion) -> Mapping[str, str]:
        """Return the labels of the question's choices by code."""


def clean(catalogue: InputCatalogue, question: TypedQuestion, raw: object) -> AnswerValue:
    """Return ``raw`` (any decoded JSON) as the answer to ``question``; None, blank text and [] clear the answer (None).

    Raises ``InvalidValue``, and nothing else, for any value that cannot be stored.
    """
    question_type = type_of(question.type)
    choices = catalogue.choices(question) if question_type.has_choices else NO_CHOICES
    return question_type.clean(raw, choices=choices, currency=catalogue.currency)
