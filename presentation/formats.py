"""The text of values, times and counts on a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from copies.document import AnswerValue
from rules.types.boolean import BOOLEAN
from rules.types.formats import day, money, number
from rules.types.naics import NAICS
from rules.types.registry import QUESTION_TYPES
from rules.types.text import TEXT

__all__ = [
    "counted", "day", "element_id", "field_text", "industry", "listed", "moment", "money", "number", "reading_text",
    "shortened",
]  # fmt: skip

#: The characters of a value that histories and comparisons show.
MOST_SHOWN: Final = 200


def field_text(question_type: str, value: AnswerValue) -> str:
    """Return the text of an answer in its input."""
    if value is None or isinstance(value, list | bool):
        return ""
    return QUESTION_TYPES.get(question_type, TEXT).input_text(value)


def reading_text(question_type: str, value: AnswerValue, labels: Mapping[str, str], currency: str = "USD") -> str:
    """Return an answer as text to read: choice labels, yes or no, money with its currency; a dash for no answer.

    ``question_type`` is a type's code, or "" for a question that is unknown. A value of an earlier type is
    displayed by its own kind.
    """
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return BOOLEAN.labels["true" if value else "false"]
    if isinstance(value, list):
        return ", ".join(labels.get(item, item) for item in value)
    return labels.get(str(value)) or QUESTION_TYPES.get(question_type, TEXT).display(value, currency)


def industry(code: str) -> str:
    """Return the code of an industry with its title: ``722511 · Full-Service Restaurants``."""
    return reading_text(NAICS.code, code, {})


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


def shortened(text: str) -> str:
    """Return ``text``, truncated after ``MOST_SHOWN`` characters."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def listed(words: Iterable[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def element_id(path: str) -> str:
    """Return ``path`` as part of an element's id."""
    return path.replace("/", "-")
