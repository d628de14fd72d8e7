"""Cleaning that number types share: thousands separators, signs, multiples and range. Pure.

Each type adds the units that it takes (``money``, ``percent``); a unit that is not the question's is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeGuard

from copies.document import AnswerValue
from rules.types.text_input import InputContext, InvalidValue, typed_text

#: The limit of a typed number, in characters.
NUMBER_LENGTH: Final = 100
LARGEST_NUMBER: Final = 10**12
#: Thousands are separated by commas, by apostrophes or by any blank, the same one throughout.
_WITH_POINT: Final = re.compile(
    r"(?:[0-9]{1,3}(?:([,'’ ])[0-9]{3})(?:\1[0-9]{3})*|[0-9]{1,20})(?:\.[0-9]{0,20})?|\.[0-9]{1,20}"
)
_MINUS: Final = re.compile(r"[-\u2010-\u2012\u2212]")
_MULTIPLE: Final = re.compile(r"(.*[0-9.]) ?(k|thousand|mm?|mill?|millions?|bn?|billions?)\.?", re.IGNORECASE)
_MULTIPLES: Final = {"k": 10**3, "t": 10**3, "m": 10**6, "b": 10**9}
_UNITS: Final = re.compile(r"[%$€£¥]")


def read_number(raw: object, read_text: Callable[[str], Decimal], max_length: int) -> Decimal:
    """Return a number, or what ``read_text`` makes of a text in which each blank is one space, exactly.

    Raises ``InvalidValue``.
    """
    number = _decimal(raw, read_text, max_length)
    if abs(number) > LARGEST_NUMBER:
        raise InvalidValue("out_of_range", "The number is too large.")
    return number


def read_whole_number(raw: object, read_text: Callable[[str], Decimal], max_length: int) -> int:
    """Return a whole number. Raises ``InvalidValue``."""
    if is_plain_whole(raw):
        return raw
    number = read_number(raw, read_text, max_length)
    if number != number.to_integral_value():
        raise InvalidValue("not_whole", "Enter a whole number.")
    return int(number)


def is_plain_whole(raw: object) -> TypeGuard[int]:
    """Return whether ``raw`` is a whole number within the range of all number types, which is its own stored form."""
    return raw.__class__ is int and -LARGEST_NUMBER <= raw <= LARGEST_NUMBER


def stored_number(number: Decimal) -> int | float:
    """Return ``number`` as it is stored: whole numbers as int, all others as float."""
    if number == number.to_integral_value():
        return int(number)
    value = float(number)
    # A float can be whole although the number is not quite.
    return int(value) if value.is_integer() else value


def clean_number(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    """Return ``raw`` as a stored number. Raises ``InvalidValue``."""
    if is_plain_whole(raw):
        return raw
    return stored_number(read_number(raw, read_plain, max_length))


def read_plain(text: str) -> Decimal:
    """Return a number without a unit: ``1,250``, ``-1.5``, ``1.5K``, ``2 million``. Raises ``InvalidValue``."""
    if _UNITS.search(text):
        raise InvalidValue("wrong_unit", "Enter a number without a currency sign or a percent sign.")
    sign, unsigned = split_sign(text)
    number = sign * read_unsigned(unsigned)
    require_exact(number)
    return number


def read_unsigned(text: str) -> Decimal:
    """Return an amount without sign and unit, such as ``1,250.50``, ``1 250``, ``250k`` or ``2.5 million``.

    Raises ``InvalidValue``.
    """
    multiple = _MULTIPLE.fullmatch(text)
    if multiple:
        return plain_decimal(multiple[1]) * _MULTIPLES[multiple[2][0].lower()]
    return plain_decimal(text)


def plain_decimal(text: str) -> Decimal:
    """Return the digits of ``text`` with their thousands separators and point as a number. Raises ``InvalidValue``."""
    if not _WITH_POINT.fullmatch(text):
        raise InvalidValue("not_a_number", "Enter a number such as 1,250 or 12.5.")
    return Decimal(re.sub(r"[,'’ ]", "", text))


def split_sign(text: str) -> tuple[int, str]:
    """Return -1 or 1 and the text behind its sign."""
    if text.startswith("+"):
        return 1, text[1:].lstrip()
    return (-1, text[1:].lstrip()) if _MINUS.match(text) else (1, text)


def require_exact(number: Decimal) -> None:
    """Raise ``InvalidValue`` for a typed number with more digits than its stored form keeps."""
    if number != number.to_integral_value() and Decimal(repr(float(number))) != number:
        raise InvalidValue("too_precise", "Enter fewer digits: about 15 are kept.")


def _decimal(raw: object, read_text: Callable[[str], Decimal], max_length: int) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise InvalidValue("wrong_type", "Enter a number.")
    if isinstance(raw, int):
        # Very long integers are refused here, before anything computes with them.
        if abs(raw) > LARGEST_NUMBER:
            raise InvalidValue("out_of_range", "The number is too large.")
        return Decimal(raw)
    if isinstance(raw, float):
        if not math.isfinite(raw):
            raise InvalidValue("out_of_range", "Enter a finite number.")
        return Decimal(repr(raw))
    return read_text(" ".join(typed_text(raw, max_length).split()))
