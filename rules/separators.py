"""The characters that people and programs put between the digits of a number, shared by question types and
guards. Pure.

Spreadsheets and word processors replace blanks and hyphens by look-alikes, and add characters that are not shown.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from rules.invisible import is_invisible

#: Sentence and list punctuation between two numbers: ``units 101, 12, 4000``.
_LIST: Final = re.compile(r"[,;]\s|\n\s*\n")
_BLANKS: Final = re.compile(r"\s+")
#: The characters of one separator, without those that show nothing and with a run of blanks as one.
_LONGEST: Final = 4
#: Signs that make an amount, a reference or a sum of what follows them.
_AMOUNT: Final = frozenset("$%#+=&@<>|")


def is_separator(text: str) -> bool:
    """Return whether ``text`` (without letters and digits) can separate groups of digits of one number, as ``-`` or
    `` / `` do. Punctuation of lists, and signs of amounts, separate two numbers instead.
    """
    shown = _BLANKS.sub(" ", "".join(sign for sign in text if not is_invisible(sign)))
    return bool(text) and len(shown) <= _LONGEST and not _LIST.search(text) and not any(map(_is_amount, text))


def has_invisible(text: str) -> bool:
    """Return whether ``text`` contains a character that shows nothing."""
    return any(is_invisible(character) for character in text)


@cache
def separator_class() -> str:
    """Return the separators of typed numbers as the inside of a character class: blanks, dashes, dots, parentheses and
    everything invisible.
    """
    chosen = [
        character
        for character in map(chr, [*range(0x3200), *range(0xFE00, 0x10000), *range(0xE0000, 0xE0200)])
        if unicodedata.category(character) in ("Zs", "Pd") or is_invisible(character)
    ]
    return re.escape("".join(chosen)) + r"\s().\u2212"


def _is_amount(sign: str) -> bool:
    return sign in _AMOUNT or unicodedata.category(sign) == "Sc"
