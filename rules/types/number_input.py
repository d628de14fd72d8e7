"""Cleaning that number types share: thousands separators, signs, symbols and range. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from copies.document import AnswerValue
from rules.types.text_input import InvalidValue, clean_text

#: The limit of a typed number, in characters.
NUMBER_LENGTH: Final = 100
LARGEST_NUMBER: Final = 10**12
_NUMBER: Final = re.compile(r"([+-]?)\s*\$?\s*((?:\d{1,3}(?:,\d{3})+|\d{1,20})?(?:\.\d{1,20})?)\s*%?", re.ASCII)


def read_number(raw: object, max_length: int) -> Decimal:
    """Return a number, or a text such as ``$1,250`` or ``12.5 %``, exactly. Raises ``InvalidValue``."""
    number = _decimal(raw, max_length)
    if abs(number) > LARGEST_NUMBER:
        raise InvalidValue("out_of_range", "The number is too large.")
    return number


def read_whole_number(raw: object, max_length: int) -> int:
    """Return a whole number. Raises ``InvalidValue``."""
    number = read_number(raw, max_length)
    if number != number.to_integral_value():
        raise InvalidValue("not_whole", "Enter a whole number.")
    return int(number)


def stored_number(number: Decimal) -> int | float:
    """Return ``number`` as it is stored: whole numbers as int, all others as float."""
    if number == number.to_integral_value():
        return int(number)
    value = float(number)
    # A float can be whole although the number is not quite.
    return int(value) if value.is_integer() else value


def clean_number(raw: object, max_length: int, choices: Mapping[str, str]) -> AnswerValue:
    """Return ``raw`` as a stored number. Raises ``InvalidValue``."""
    return stored_number(read_number(raw, max_length))


def _decimal(raw: object, max_length: int) -> Decimal:
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
    match = _NUMBER.fullmatch(clean_text(raw, max_length))
    if not match or not match[2]:
        raise InvalidValue("not_a_number", "Enter a number.")
    return Decimal(match[1] + match[2].replace(",", ""))
