"""How values, times and counts read on a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from copies.document import AnswerValue

#: Question types whose values are numbers that read better with separators (a year does not).
GROUPED: Final = frozenset({"money", "integer", "number", "decimal", "percent"})
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}


def number(value: float) -> str:
    """Return ``value`` with thousands separators and no trailing zeros: ``number(1250000.0) == "1,250,000"``."""
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: float, currency: str = "USD") -> str:
    """Return ``amount`` with its currency: ``money(2451) == "$2,451"``."""
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"-{symbol}{number(-amount)}" if amount < 0 else f"{symbol}{number(amount)}"


def field_text(question_type: str, value: AnswerValue) -> str:
    """Return what stands in the input of an answer: numbers with separators, everything else as it is."""
    if value is None or isinstance(value, list | bool):
        return ""
    if question_type in GROUPED and isinstance(value, int | float):
        return number(value)
    return number(value).replace(",", "") if isinstance(value, float) else str(value)


def reading_text(question_type: str, value: AnswerValue, labels: Mapping[str, str], currency: str = "USD") -> str:
    """Return an answer as one reads it: choice labels, yes or no, money with its currency; a dash for none."""
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(labels.get(item, item) for item in value)
    if question_type == "money" and isinstance(value, int | float):
        return money(value, currency)
    if question_type == "percent":
        return f"{field_text(question_type, value)}%"
    if question_type == "date":
        return day(value)
    return labels.get(str(value)) or field_text(question_type, value)


def day(value: object) -> str:
    """Return a date, or its ISO text, as ``June 1, 2026``; a text that is no date as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value)
    return f"{value:%B} {value.day}, {value.year}" if isinstance(value, date) else str(value)


def moment(value: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """Return a moment in ``zone``: ``today 10:42``, ``yesterday 18:05``, ``Jun 1, 10:42`` or ``Jun 1, 2025``."""
    local, today = value.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"today {local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    if local.year == today.year:
        return f"{local:%b} {local.day}, {local:%H:%M}"
    return f"{local:%b} {local.day}, {local.year}"


def counted(amount: int, one: str, many: str = "") -> str:
    """Return ``1 row``, ``2 rows``, ``no rows``."""
    return f"{amount or 'no'} {one if amount == 1 else many or one + 's'}"


def listed(words: Iterable[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def element_id(path: str) -> str:
    """Return ``path`` as part of an element's id."""
    return path.replace("/", "-")
