"""Folding of texts for comparison: names that people take for the same are equal. Pure.

Unicode's compatibility forms take accents off, but not strokes and ligatures, and two letters i never meet.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from rules.invisible import is_invisible

#: Letters that no normal form takes apart, as PostgreSQL's ``unaccent`` and library catalogues write them.
_LETTERS: Final = {
    "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n",
    "ß": "ss", "ĸ": "k", "ə": "e", "ſ": "s", "ƒ": "f",
}  # fmt: skip
_WITH_MARK: Final = re.compile(r"LATIN SMALL LETTER (?:DOTLESS |OPEN )?([A-Z]{1,2})(?: WITH [A-Z ]+)")
_APOSTROPHES: Final = re.compile("['`´‘’‛ʹʻʼʽ′＇]")


def fold(text: str) -> str:
    """Return ``text`` without case, accents, strokes, apostrophes and characters that show nothing."""
    return without_apostrophes(fold_letters(text))


def fold_letters(text: str) -> str:
    """Return ``text`` as ``fold`` does, with its apostrophes."""
    lower = text.casefold()
    if lower.isascii():
        return lower
    decomposed = unicodedata.normalize("NFKD", lower)
    # Again, because compatibility forms can be capitals; and composed, because syllables of Hangul are taken apart.
    plain = "".join(map(_plain_letter, decomposed)).casefold()
    return unicodedata.normalize("NFC", plain)


def without_apostrophes(text: str) -> str:
    """Return ``text`` with the parts around apostrophes joined: "joe's" is "joes"."""
    return _APOSTROPHES.sub("", text)


def parts_at_apostrophes(text: str) -> str:
    """Return ``text`` with a blank in place of each apostrophe."""
    return _APOSTROPHES.sub(" ", text)


@lru_cache(maxsize=4_096)
def _plain_letter(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.combining(character) or is_invisible(character):
        return ""
    if character in _LETTERS:
        return _LETTERS[character]
    match = _WITH_MARK.fullmatch(unicodedata.name(character, ""))
    return match[1].lower() if match else character
