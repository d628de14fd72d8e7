"""Cleaning that text types share: length, invisible and control characters, spaces and separators. Pure.

A text keeps what its author may mean; a typed field (a number, a date, a code) drops every sign that nobody sees.
Error messages never repeat the value, because it can be sensitive.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from copies.document import AnswerValue
from rules.invisible import drop_invisible, has_override, is_noncharacter, keep_visible
from rules.separators import separator_class

#: The limit of one line of text, in characters.
LINE_LENGTH: Final = 1_000
NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})


class InputContext(NamedTuple):
    """The facts of a question and its catalogue that cleaning depends on: the labels of the question's choices by code,
    and the code of the currency.
    """

    choices: Mapping[str, str]
    currency: str


#: A cleaner takes a raw value, the type's limit in characters, and the context.
Cleaner: TypeAlias = Callable[[object, int, InputContext], AnswerValue]
#: What people and programs write between the digits of a number.
_SEPARATORS: Final = re.compile(f"[{separator_class()}]+")


class InvalidValue(ValueError):
    """A value that cannot answer its question; ``text`` states what would be valid."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(text)


def clean_text(raw: object, max_length: int) -> str:
    """Return a text as its author means it: without invisible signs, stripped, with LF line ends, composed (NFC).

    A text without a visible sign is "". Raises ``InvalidValue`` for anything but a text, for control characters,
    noncharacters and forced directions of writing, and for more than ``max_length`` characters.
    """
    text = _as_text(raw)
    if has_override(text):
        raise InvalidValue("bad_character", "The text contains a character that turns the direction of writing around.")
    return _checked(keep_visible(text), max_length)


def typed_text(raw: object, max_length: int) -> str:
    """Return what was typed into the field of a number, a date or a code: without any invisible sign, stripped,
    composed (NFC).

    Raises ``InvalidValue`` as ``clean_text`` does; directions of writing are dropped with the other invisible signs.
    """
    return _checked(drop_invisible(_as_text(raw)), max_length)


def _as_text(raw: object) -> str:
    if not isinstance(raw, str):
        raise InvalidValue("wrong_type", "Must be text.")
    # Browsers send a line end of a text area as two characters but count it as one.
    return raw.replace("\r\n", "\n").replace("\r", "\n") if "\r" in raw else raw


def _checked(text: str, max_length: int) -> str:
    if len(text) > max_length:
        raise too_long(max_length)
    text = text.strip()
    # Test the whole text first: hardly any text contains an unprintable character.
    if not text.isprintable() and any(_is_refused(character) for character in text):
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
    return _cleaner(clean_text, normalize)


def typed_cleaner(normalize: Callable[[str], str]) -> Cleaner:
    """Return a cleaner of typed fields whose stored form is ``normalize(text)``; blank text clears the answer."""
    return _cleaner(typed_text, normalize)


def _cleaner(read: Callable[[object, int], str], normalize: Callable[[str], str]) -> Cleaner:
    def clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
        text = read(raw, max_length)
        if not text:
            return None
        normalized = normalize(text)
        if len(normalized) > max_length:
            raise too_long(max_length)
        return normalized or None

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

    return typed_cleaner(normalize_match)


def _is_refused(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs") or is_noncharacter(character)
