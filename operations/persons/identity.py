"""A person as a request for their data names them, and whether the answers of one place are theirs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from unicodedata import normalize

from copies.document import AnswerValue

#: The least digits of a telephone number that can name a person.
LEAST_DIGITS: Final = 7
_PHONE: Final = re.compile(r"[\d\s().+/-]+")


class UnclearPerson(ValueError):
    """The request names nobody; the sentence says what is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A person: an email address, a telephone number, or a name with a date of birth; each by itself is enough."""

    email: str = ""
    phone: str = ""
    name: str = ""
    born: date | None = None

    def __post_init__(self) -> None:
        """Raise ``UnclearPerson`` for a request that would name nobody, or many."""
        if self.email and "@" not in self.email:
            raise UnclearPerson(f"{self.email!r} is no email address.")
        if self.phone and len(digits_of(self.phone)) < LEAST_DIGITS:
            raise UnclearPerson(f"A telephone number has at least {LEAST_DIGITS} digits.")
        if bool(self.name.strip()) != (self.born is not None):
            raise UnclearPerson("A name alone can be that of many people: give name and date of birth together.")
        if not (self.email or self.phone or self.name):
            raise UnclearPerson("Give an email address, a telephone number, or a name with a date of birth.")

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what the request says of the person, as text."""
        born = self.born.isoformat() if self.born else ""
        return tuple(text for text in (self.email, self.phone, self.name, born) if text)

    def matches(
        self, values: Mapping[str, AnswerValue], *, phones: Container[str] | None = None
    ) -> dict[str, frozenset[str]]:  # fmt: skip
        """Return what the answers of one place (``values`` by code) have in common with the person: ``email``,
        ``phone`` or ``name and date of birth``, each with the codes of these answers.

        A telephone number is searched in the answers ``phones`` alone, None stands for all.
        """
        texts = {code: value for code, value in values.items() if isinstance(value, str) and value}
        found = {}
        if self.email:
            found["email"] = _having(texts, lambda text: plain(text) == plain(self.email))
        if self.phone:
            numbers = {code: text for code, text in texts.items() if phones is None or code in phones}
            found["phone"] = _having(numbers, lambda text: _is_phone(text) and digits_of(text) == digits_of(self.phone))
        if self.born is not None:
            born = self.born.isoformat()
            day, name = _having(texts, lambda text: text == born), self._name_in(texts)
            found["name and date of birth"] = day | name if day and name else frozenset()
        return {how: codes for how, codes in found.items() if codes}

    def _name_in(self, texts: Mapping[str, str]) -> frozenset[str]:
        """Return the codes of the answers that are the name, in one piece or in two."""
        words = name_words(self.name)
        whole = _named(texts, words)
        for length in range(1, len(words)):
            first, last = _named(texts, words[:length]), _named(texts, words[length:])
            if first and last:
                whole |= first | last
        return whole


def plain(text: str) -> str:
    """Return ``text`` for an exact comparison: without case, outer spaces and other spellings of one letter."""
    return " ".join(normalize("NFKC", text).casefold().split())


def digits_of(text: str) -> str:
    """Return the digits of a telephone number, without the 1 of the United States."""
    digits = "".join(letter for letter in text if letter.isascii() and letter.isdigit())
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name; “Doe, Jane” is “Jane Doe”."""
    last, comma, first = plain(name).partition(",")
    ordered = f"{first} {last}" if comma else last
    return tuple(word for word in ordered.replace(".", " ").split() if word)


def _is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None


def _having(texts: Mapping[str, str], is_it: Callable[[str], bool]) -> frozenset[str]:
    return frozenset(code for code, text in texts.items() if is_it(text))


def _named(texts: Mapping[str, str], words: tuple[str, ...]) -> frozenset[str]:
    return _having(texts, lambda text: name_words(text) == words)
