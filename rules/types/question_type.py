"""The declaration that each question type is made of. Pure.

A type lives in one file of this folder and is listed in ``registry``; everything that differs between types is an
attribute here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from copies.document import AnswerValue
from copies.mask import HIDDEN
from rules.invisible import drop_invisible
from rules.language.kinds import Kind
from rules.language.values import Value
from rules.types.checks import Check, ValidatorMaker
from rules.types.formats import plain_text
from rules.types.stored_answers import READERS
from rules.types.text_input import NO_CHOICES, Cleaner, InputContext


class TypedQuestion(Protocol):
    """The attributes of a question that its type's functions read."""

    @property
    def code(self) -> str:
        """Return the question's code."""

    @property
    def type(self) -> str:
        """Return the code of the question's type."""

    @property
    def choices(self) -> str:
        """Return the code of the question's choice list, or ""."""

    @property
    def validate(self) -> tuple[str, ...]:
        """Return the validators that the catalogue names."""


def hide(value: AnswerValue) -> str:
    """Return the mask that shows nothing of ``value``."""
    return HIDDEN


def as_entered(entered: object) -> object:
    """Return what was entered as the raw value that cleaning takes."""
    return entered


def display_plain(value: AnswerValue, currency: str) -> str:
    """Return ``value`` as text without a unit."""
    return plain_text(value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuestionType:
    """A type of question: how answers are cleaned, checked, masked, edited and displayed.

    ``kind`` is the kind of value that rules compute with. ``max_length`` limits typed text, on the page and in
    cleaning, in characters. ``mask`` returns what may be shown of a secret answer (ADR 10). ``checks`` always apply;
    ``validators`` are those that a catalogue can name for this type. ``labels`` are the labels of choices that are the
    same in every catalogue, by code. ``read_input`` turns what was entered on the page into a raw value, ``input_text``
    turns an answer into the text of the input, and ``display`` into text to read (value, currency); ``search_text``
    turns stored text into the words that find it. ``unit`` is "currency" or "%"; ``format_hint`` shows the format where
    a plain input replaces the type's own widget.
    """

    code: str
    kind: Kind
    cleaner: Cleaner
    max_length: int
    mask: Callable[[AnswerValue], str] = hide
    checks: tuple[Check, ...] = ()
    validators: Mapping[str, ValidatorMaker] = field(default_factory=lambda: MappingProxyType({}))
    has_choices: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: NO_CHOICES)
    widget: str = "text"
    input_mode: str = ""
    unit: str = ""
    placeholder: str = ""
    format_hint: str = ""
    read_input: Callable[[object], object] = as_entered
    input_text: Callable[[AnswerValue], str] = plain_text
    display: Callable[[AnswerValue, str], str] = display_plain
    search_text: Callable[[str], str] = str

    def clean(
        self, raw: object, *, choices: Mapping[str, str] = NO_CHOICES, currency: str = "USD"
    ) -> AnswerValue:  # fmt: skip
        """Return ``raw`` in its stored form; None, blank text and [] return None, which clears the answer.

        ``choices`` are the labels of the question's choice list by code, ``currency`` is the catalogue's. Raises
        ``InvalidValue`` for any other value that cannot be stored, whatever its class.
        """
        if raw is None or raw == [] or (isinstance(raw, str) and not drop_invisible(raw).strip()):
            return None
        return self.cleaner(raw, self.max_length, InputContext(choices, currency))

    @property
    def reader(self) -> Callable[[object], Value]:
        """Return the function that reads a stored answer as a value for rules; it raises ``TypeMismatch``."""
        return READERS[self.kind]
