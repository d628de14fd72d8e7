"""Cleaning that text types share: length, control characters, spaces and separators. Pure.

Error messages never repeat the value, because it can be sensitive.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from copies.document import AnswerValue

#: The limit of one line of text, in characters.
LINE_LENGTH: Final = 1_000
NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})
_SEPARATORS: Final = re.compile(r"[\s().\-\u2010-\u2015\u00a0]+")


class InvalidValue(ValueError):
    """A value that cannot answer its question; ``text`` states what would be valid."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(text)


class CleaningContext(NamedTuple):
    """The limits of one cleaning: the type's ``max_length`` and the question's ``choices`` (code -> label)."""

    max_length: int
    choices: Mapping[str, str]


def clean_text(raw: object, max_length: int) -> str:
    """Return ``raw`` stripped, with LF line ends and in Unicode's composed form (NFC).

    Raises ``InvalidValue`` for anything but a text, for control characters and for more than ``max_length`` characters.
    """
    if not isinstance(raw, str):
        raise InvalidValue("wrong_type", "Must be text.")
    # Browsers send a line end of a text area as two characters but count it as one.
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    check_length(text, max_length)
    text = text.strip()
    # Test the whole text first: hardly any text contains an unprintable character.
    if not text.isprintable() and any(_is_control(character) for character in text):
        raise InvalidValue("bad_character", "The text contains a control character.")
    composed = unicodedata.normalize("NFC", text)
    # A few characters have a composed form that is longer.
    check_length(composed, max_length)
    return composed


def check_length(text: str, max_length: int) -> None:
    """Raise ``InvalidValue`` if ``text`` is longer than ``max_length`` characters."""
    if len(text) > max_length:
        raise InvalidValue("too_long", f"Enter at most {max_length:,} characters.")


def one_line(text: str) -> str:
    """Return ``text`` with each run of white space as one space."""
    return " ".join(text.split())


def unchanged(text: str) -> str:
    """Return ``text`` as it is."""
    return text


def text_cleaner(normalize: Callable[[str], str]) -> Callable[[object, CleaningContext], AnswerValue]:
    """Return a cleaner of texts whose stored form is ``normalize(text)``; blank text clears the answer."""

    def clean(raw: object, context: CleaningContext) -> AnswerValue:
        text = clean_text(raw, context.max_length)
        if not text:
            return None
        normalized = normalize(text)
        check_length(normalized, context.max_length)
        return normalized

    return clean


def pattern_cleaner(
    pattern: str, normalize: Callable[[str], str] = unchanged, *, code: str, text: str
) -> Callable[[object, CleaningContext], AnswerValue]:
    """Return a cleaner that drops separators and accepts what then matches ``pattern`` as a whole, in upper case.

    ``code`` and ``text`` are those of the ``InvalidValue`` for anything else.
    """
    expected = re.compile(pattern, re.ASCII)

    def normalize_match(entered: str) -> str:
        bare = _SEPARATORS.sub("", entered).upper()
        if not expected.fullmatch(bare):
            raise InvalidValue(code, text)
        return normalize(bare)

    return text_cleaner(normalize_match)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"
