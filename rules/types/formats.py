"""Text of numbers, amounts and dates as people read them. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from copies.document import AnswerValue

_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}


def number(value: float) -> str:
    """Return ``value`` with thousands separators and no trailing zeros: ``number(1250000.0) == "1,250,000"``."""
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: float, currency: str = "USD") -> str:
    """Return ``amount`` with its currency: ``money(2451) == "$2,451"``."""
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"-{symbol}{number(-amount)}" if amount < 0 else f"{symbol}{number(amount)}"


def day(value: object) -> str:
    """Return a date, or its ISO text, as ``June 1, 2026``; return any other text unchanged."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value)
    return f"{value:%B} {value.day}, {value.year}" if isinstance(value, date) else str(value)


def short_day(value: AnswerValue) -> str:
    """Return the ISO text of a date as ``6/1/2026``; any other value as ``plain_text`` does."""
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value)
        except ValueError:
            return value
        return f"{found.month}/{found.day}/{found.year}"
    return plain_text(value)


def plain_text(value: AnswerValue) -> str:
    """Return ``value`` as it is typed, numbers without separators; "" for None, lists and booleans."""
    if value is None or isinstance(value, list | bool):
        return ""
    return number(value).replace(",", "") if isinstance(value, float) else str(value)


def grouped_number(value: AnswerValue) -> str:
    """Return a number with thousands separators; any other value as ``plain_text`` does."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return plain_text(value)
