"""Lengths of time in a catalogue, such as ``1 year``, ``6 months`` or ``90 days``. Pure."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from functools import cache
from typing import Final, NamedTuple

#: Months and days of one unit.
_UNITS: Final = {"year": (12, 0), "month": (1, 0), "week": (0, 7), "day": (0, 1)}
_SPAN: Final = re.compile(r"([1-9][0-9]{0,3}) (year|month|week|day)s?")
#: The longest span in months and in days: a century.
_MOST: Final = (1_200, 36_525)


class Span(NamedTuple):
    """A length of time: whole months, or days."""

    months: int
    days: int


@cache
def parse_span(text: str) -> Span | None:
    """Return the span that ``text`` names, None for any other text and for more than a century."""
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    months, days = (int(match[1]) * size for size in _UNITS[match[2]])
    return Span(months, days) if months <= _MOST[0] and days <= _MOST[1] else None


def after(day: date, span: Span) -> date:
    """Return the day that is ``span`` after ``day``; in a shorter month its last day (February 29 and a year: 28).

    Raises ``OverflowError`` beyond the calendar.
    """
    if span.days:
        return day + timedelta(span.days)
    year, month = divmod(day.year * 12 + day.month - 1 + span.months, 12)
    if year > date.max.year:
        raise OverflowError("date value out of range")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
