"""Cleaning of texts that people write beside the answers: titles, names, reasons, messages. Pure.

They are cleaned like answers, and contain no control characters, no characters that reverse the direction of what
follows, and no personal numbers, because they are stored, shown, mailed and sent without protection.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from batch.changes.pii_guard import refuse_private_numbers
from batch.errors import LooksSensitive, WrongValue
from rules.invisible import keep_visible
from rules.types.text_input import InvalidValue, clean_text

#: Embeddings, overrides and isolates: they reorder text on pages and in mails far behind themselves.
_DIRECTION: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Control characters, half surrogate pairs, characters of private use and unassigned ones.
_UNSHOWN: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
_WITHHELD: Final = "(Withheld: it contains a personal number.)"
_LINE_ENDS: Final = re.compile("[\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029]")


def clean_line(text: str, *, field: str, most: int) -> str:
    """Return ``text`` as one line of at most ``most`` characters: NFC, without surrounding and repeated blanks; ""
    without a visible character.

    Raises ``WrongValue`` for line breaks, control and direction characters and longer texts, ``LooksSensitive``.
    """
    if _LINE_ENDS.search(text.strip(" ")):
        raise WrongValue(field, "write it in one line")
    return " ".join(_clean(text, field=field, most=most).split())


def clean_paragraphs(text: str, *, field: str, most: int) -> str:
    """Return ``text`` of at most ``most`` characters as ``clean_line`` does, with its line breaks."""
    return _clean(text, field=field, most=most)


def clean_foreign_text(text: str, *, most: int) -> str:
    """Return a text of another system as one line of at most ``most`` characters, without what ``clean_line`` refuses:
    control and direction characters become blanks, and a text with a personal number is withheld.
    """
    known = _DIRECTION.sub(" ", text[: 4 * most])
    shown = "".join(" " if unicodedata.category(sign) in _UNSHOWN else sign for sign in known)
    line = " ".join(keep_visible(unicodedata.normalize("NFC", shown)).split())
    try:
        refuse_private_numbers(line, field="text")
    except LooksSensitive:
        return _WITHHELD[:most]
    return line if len(line) <= most else line[: most - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _clean(text: str, *, field: str, most: int) -> str:
    if _DIRECTION.search(text):
        raise WrongValue(field, "remove the characters that change the direction of text")
    try:
        cleaned = clean_text(text, most)
    except InvalidValue as error:
        raise WrongValue(field, _remedy(error)) from error
    # As it came: cleaning drops the characters that show nothing, and with them the groups of a number.
    refuse_private_numbers(text, field=field)
    return cleaned


def _remedy(error: InvalidValue) -> str:
    return error.text[:1].lower() + error.text[1:].rstrip(".")
