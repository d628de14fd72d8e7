"""Refuses personal numbers in texts that are stored and shown without protection. Pure.

Telephone numbers, sums, dates and references pass: only numbers that can hardly be anything else are refused.
"""

from __future__ import annotations

import re
from typing import Final

from batch.errors import LooksSensitive

#: A Social Security number as people write it, or a federal tax number. Both are delimited: a part of a UUID is
#: neither.
_TAX: Final = re.compile(r"(?<![\w-])(?:\d{3}[- ]\d{2}[- ]\d{4}|\d{2}-\d{7})(?![\w-])")
_CARD: Final = re.compile(r"(?<![\w-])\d(?:[- ]?\d){12,18}(?![\w-])")


def refuse_private_numbers(text: str, *, field: str) -> None:
    """Raise ``LooksSensitive`` where ``text`` holds a Social Security, tax or card number."""
    cards = (re.sub(r"\D", "", found) for found in _CARD.findall(text))
    if _TAX.search(text) or any(_checks_out(number) for number in cards):
        raise LooksSensitive(field)


def _checks_out(number: str) -> bool:
    """Return whether the digits end with the check digit of cards (ISO/IEC 7812-1, Luhn's formula)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in number[::-2])) % 10 == 0
