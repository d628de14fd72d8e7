"""Lengths of time: what a catalogue may write, and the day after one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.types.spans import Span, after, parse_span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1 year", Span(12, 0)),
        ("2 years", Span(24, 0)),
        ("18 months", Span(18, 0)),
        ("2 weeks", Span(0, 14)),
        ("90 days", Span(0, 90)),
        ("1 day", Span(0, 1)),
    ],
)
def test_a_length_is_a_number_and_a_unit(text: str, span: Span) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    "text", ["", "year", "0 days", "-1 year", "1.5 years", "1  year", "1 Year", "1 year ", "1 decade", "101 years"]
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_span(text) is None


@pytest.mark.parametrize(
    ("day", "span", "expected"),
    [
        (date(2024, 2, 29), Span(12, 0), date(2025, 2, 28)),
        (date(2024, 2, 29), Span(48, 0), date(2028, 2, 29)),
        (date(2026, 1, 31), Span(1, 0), date(2026, 2, 28)),
        (date(2026, 12, 15), Span(12, 0), date(2027, 12, 15)),
        (date(2026, 11, 30), Span(0, 90), date(2027, 2, 28)),
    ],
)
def test_a_shorter_month_ends_earlier(day: date, span: Span, expected: date) -> None:
    assert after(day, span) == expected


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(1, 1200))
def test_months_lead_to_that_month_and_never_past_its_end(day: date, months: int) -> None:
    moved = after(day, Span(months, 0))

    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (moved.day < day.day and (moved + timedelta(days=1)).day == 1)


def test_the_end_of_the_calendar_is_an_error() -> None:
    for span in (Span(12, 0), Span(0, 365)):
        with pytest.raises(OverflowError):
            after(date(9999, 6, 1), span)
