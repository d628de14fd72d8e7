"""Cleaning that text types share: length, control characters, spaces and separators. Pure.

Error messages never repeat the value, because it can be sensitive.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from copies.document import AnswerValue
from rules.separators import separator_class

#: The limit of one line of text, in characters.
LINE_LENGTH: Final = 1_000
NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})
#: A cleaner takes a raw value, the type's limit in characters, and the labels of the question's choices by code.
Cleaner: TypeAlias = Callable[[object, int, Mapping[str, str]], AnswerValue]
#: What people and programs write between the digits of a number.
_SEPARATORS: Final = re.compile(f"[{separator_class()}]+")


class InvalidValue(ValueError):
    """A value that cannot answer its question; ``text`` states what would be valid."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(text)


def clean_text(raw: object, max_length: int) -> str:
    """Return ``raw`` stripped, with LF line ends and in Unicode's composed form (NFC).

    Raises ``InvalidValue`` for anything but a text, for control characters and for more than ``max_length`` characters.
    """
    if not isinstance(raw, str):
        raise InvalidValue("wrong_type", "Must be text.")
    # Browsers send a line end of a text area as two characters but count it as one.
    text = raw.replace("\r\n", "\n").replace("\r", "\n") if "\r" in raw else raw
    if len(text) > max_length:
        raise too_long(max_length)
    text = text.strip()
    # Test the whole text first: hardly any text contains an unprintable character.
    if not text.isprintable() and any(_is_control(character) for character in text):
        raise InvalidValue("bad_character", "The text contains a control character.")
    composed = unicodedata.normalize("NFC", text)
    # A few characters have a composed form that is longer.
    if len(composed) > max_length:
        raise too_long(max_length)
    return composed


def too_long(max_length: int) -> InvalidValue:
    """Return the error of a text with more than ``max_length`` characters."""
    return InvalidValue("too_long", f"Enter at most {max_length:,} characters.")


def one_line(text: str) -> str:
    """Return ``text`` with each run of white space as one space."""
    return " ".join(text.split())


def unchanged(text: str) -> str:
    """Return ``text`` as it is."""
    return text


def text_cleaner(normalize: Callable[[str], str]) -> Cleaner:
    """Return a cleaner of texts whose stored form is ``normalize(text)``; blank text clears the answer."""

    def clean(raw: object, max_length: int, choices: Mapping[str, str]) -> AnswerValue:
        text = clean_text(raw, max_length)
        if not text:
            return None
        normalized = normalize(text)
        if len(normalized) > max_length:
            raise too_long(max_length)
        return normalized

    return clean


def pattern_cleaner(pattern: str, normalize: Callable[[str], str] = unchanged, *, code: str, text: str) -> Cleaner:
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
