"""Refuses personal numbers in texts that are stored and shown without protection. Pure.

Telephone numbers, sums, dates and references pass: only numbers that can hardly be anything else are refused, and nine
digits without a shape only beside a cue such as "SSN".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from batch.errors import LooksSensitive
from rules.invisible import is_invisible
from rules.separators import has_invisible, is_separator

_UUID: Final = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")
_TOKEN: Final = re.compile(r"[^\W_]+")
#: The digits of a token: alone, behind a cue without a blank ("SSN987654321"), or before the letter of a claim number.
_DIGITS: Final = re.compile(r"(?:ssn?|f?ein|i?tin|taxid)?(\d+)(?:[a-z][a-z0-9]?)?", re.IGNORECASE)
_TAX_CUE: Final = re.compile(
    r"\b(?:s\W{0,2}s\W{0,2}n|ss\s?(?:#|no)|soc(?:ial)?\W{0,3}sec\w*|social(?!\s(?:media|club|event|serv|work|host))"
    r"|seguro\ssocial|f?\W?e\W?i\W?n|[fi]?tin|tax\W{0,2}(?:id|no|num|ident)\w*|taxpayer\w*|employer\sident\w+"
    r"|fed(?:eral)?\W{1,2}id)(?!\w)",
    re.IGNORECASE,
)
#: What a number of the shape 12-3456789 is otherwise: the nearest word before it decides.
_OTHER_CUE: Final = re.compile(
    r"\b(?:polic(?:y|ies)|pol|inv(?:oice)?|claim|quote|order|ref(?:erence)?|ticket|case|binder|submission|account|acct"
    r"|file|docket|permit|licen[cs]e|contract|po|part|serial|model|loan|duns|naics|parcel|endorsement|certificate|form"
    r"|phone|tel|fax|cell|zip|routing|invoice|check|tracking|version|number|no)\b",
    re.IGNORECASE,
)
#: How far before and behind a number a cue counts, in characters.
_BEFORE: Final = 32
_BEHIND: Final = 20
#: The lengths and first digits of card numbers (ISO/IEC 7812): Visa, Mastercard, American Express, Diners Club,
#: Discover, JCB, UnionPay, Maestro.
_CARD: Final = re.compile(r"4\d{12}(?:\d{3}){0,2}|(?:5\d|6\d|2[2-7]|35)\d{14,17}|3[47]\d{13}|3[0689]\d{12}")
_INVISIBLE: Final = "\u200b"
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
#: A state before a ZIP code, and letters that belong to a number, as in ``GL-98-7654321``.
_STATE: Final = re.compile(r"\b[A-Z]{2}[\s,]{1,2}$")
_PREFIX: Final = re.compile(r"[A-Za-z]-$")
_DASH: Final = re.compile(r"[-\u2010-\u2015\u2212]")
_TAX_DIGITS: Final = 9
_CARD_DIGITS: Final = range(13, 20)


class _Group(NamedTuple):
    """A group of digits, where it lies in the text, and the text between it and the group before."""

    digits: str
    start: int
    end: int
    between: str
    has_word: bool


def refuse_private_numbers(text: str, *, field: str) -> None:
    """Raise ``LooksSensitive`` where ``text`` holds a Social Security, tax or card number, however it is separated."""
    plain = _plain(text)
    if any(_is_private(plain, window) for window in _windows(_groups(plain))):
        raise LooksSensitive(field)


def _plain(text: str) -> str:
    """Return ``text`` with compatible forms and decimal digits of all scripts as ASCII, and without UUIDs."""
    composed = unicodedata.normalize("NFKC", _UUID.sub(" x ", text))
    return composed if composed.isascii() else "".join(map(_plain_sign, composed))


def _plain_sign(sign: str) -> str:
    if is_invisible(sign):
        # Some of them count as letters.
        return _INVISIBLE
    return str(unicodedata.decimal(sign)) if sign.isdecimal() else sign


def _groups(text: str) -> list[_Group]:
    """Return the groups of digits in ``text``, in order; a word between two of them ends a number."""
    groups: list[_Group] = []
    end = 0
    has_word = True
    for token in _TOKEN.finditer(text):
        match = _DIGITS.fullmatch(token[0])
        if match is None:
            has_word, end = True, token.end()
            continue
        start = token.start() + match.start(1)
        has_word = has_word or match.start(1) > 0
        groups.append(_Group(match[1], start, token.start() + match.end(1), text[end:start], has_word))
        has_word, end = match.end(1) < len(token[0]), token.end()
    return groups


def _windows(groups: Sequence[_Group]) -> Iterator[Sequence[_Group]]:
    """Return each run of groups that may be one number by its amount of digits."""
    for first in range(len(groups)):
        amount = 0
        for last in range(first, len(groups)):
            group = groups[last]
            if last > first and (group.has_word or not is_separator(group.between)):
                break
            amount += len(group.digits)
            if amount > _CARD_DIGITS[-1]:
                break
            if amount == _TAX_DIGITS or amount in _CARD_DIGITS:
                yield groups[first : last + 1]


def _is_private(text: str, window: Sequence[_Group]) -> bool:
    digits = "".join(group.digits for group in window)
    if len(digits) in _CARD_DIGITS:
        return bool(_CARD.fullmatch(digits)) and _checks_out(digits)
    shape = tuple(len(group.digits) for group in window)
    between = [group.between for group in window[1:]]
    if any(has_invisible(part) for part in between):
        # Nobody hides a separator inside of a reference or a telephone number.
        return True
    if len(window) > 1 and text[: window[0].start].endswith(("$", "€", "£")):
        return False
    if shape == (3, 2, 4) or _is_spelled_out(shape, digits):
        return True
    cue = _cue(text, window)
    if cue or len(window) == 1:
        return cue == "tax" and len(shape) <= 3
    return (shape == (2, 7) and _is_tax_number(text, window, digits)) or (
        shape == (5, 4) and not _DASH.search(between[0]) and not _YEAR.fullmatch(digits[5:])
    )


def _is_tax_number(text: str, window: Sequence[_Group], digits: str) -> bool:
    """Return whether 2 + 7 digits without a cue are a tax number: no round sum, no part of a longer number."""
    before, between = text[: window[0].start], window[1].between
    joined = before.endswith(between) and before[: -len(between)][-1:].isdigit()
    return not (joined or before.endswith(("+", "(")) or digits.endswith("000"))


def _is_spelled_out(shape: tuple[int, ...], digits: str) -> bool:
    """Return whether the digits stand apart one by one, and do not just count."""
    counts = all(int(after) - int(before) == 1 for before, after in pairwise(digits))
    return set(shape) == {1} and not counts


def _cue(text: str, window: Sequence[_Group]) -> str:
    """Return what the words around a number call it: "tax", "other", or "" if they do not tell."""
    start, end = window[0].start, window[-1].end
    before = text[max(0, start - _BEFORE) : start]
    tax = max((match.end() for match in _TAX_CUE.finditer(before)), default=-1)
    other = max((match.end() for match in _OTHER_CUE.finditer(before)), default=-1)
    is_zip = len(window[0].digits) == 5 and bool(_STATE.search(before))
    if tax >= 0 and not is_zip and (tax >= other or _names_tax(before[tax:])):
        return "tax"
    if other >= 0 or is_zip or _PREFIX.search(before):
        return "other"
    return "tax" if _TAX_CUE.search(text[end : end + _BEHIND]) else ""


def _names_tax(rest: str) -> bool:
    """Return whether only "no.", "number" or "is" stand between a cue and its number."""
    return not re.sub(r"\b(?:no|number|num|is|was|the|of|on|file)\b|\W", "", rest, flags=re.IGNORECASE)


def _checks_out(number: str) -> bool:
    """Return whether the digits end with the check digit of cards (ISO/IEC 7812-1, Luhn's formula)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in number[::-2])) % 10 == 0
