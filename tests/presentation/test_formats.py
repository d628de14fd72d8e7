"""The text of values, times and counts on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from presentation import formats


@pytest.mark.parametrize(
    ("value", "text"), [(1250000, "1,250,000"), (0.96, "0.96"), (1.0, "1"), (-1234.5, "-1,234.5"), (100, "100")]
)
def test_number(value: float, text: str) -> None:
    assert formats.number(value) == text


def test_money_names_its_currency() -> None:
    assert formats.money(2451) == "$2,451"
    assert formats.money(-5) == "-$5"
    assert formats.money(10.5, "CHF") == "CHF 10.5"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("money", 1250000, "1,250,000"),
        ("year", 2015, "2015"),
        ("zip", "02134", "02134"),
        ("boolean", True, ""),
        ("text", None, ""),
    ],
)  # fmt: skip
def test_field_text(kind: str, value: str | int | bool | None, text: str) -> None:
    assert formats.field_text(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("choice", "bop", "Business owners"),
        ("multi_choice", ["bop", "gone"], "Business owners, gone"),
        ("boolean", False, "No"),
        ("percent", 22, "22%"),
        ("date", "2026-06-01", "June 1, 2026"),
        ("date", "no date", "no date"),
        ("text", "", "–"),
        ("money", 0, "$0"),
        ("naics", "722511", "722511 · Full-Service Restaurants"),
        ("naics", "23", "23 · Construction"),
        ("naics", "454110", "454110 · Electronic Shopping and Mail-Order Houses"),
        ("naics", "999999", "999999"),
    ],
)  # fmt: skip
def test_reading_text(kind: str, value: str | int | bool | list[str], text: str) -> None:
    assert formats.reading_text(kind, value, {"bop": "Business owners"}) == text


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2026, 6, 2, 3, 5, tzinfo=UTC), "today 23:05"),
        (datetime(2026, 6, 1, 3, 5, tzinfo=UTC), "yesterday 23:05"),
        (datetime(2026, 1, 9, 12, 0, tzinfo=UTC), "Jan 9, 07:00"),
        (datetime(2025, 1, 9, 12, 0, tzinfo=UTC), "Jan 9, 2025"),
    ],
)
def test_moments_are_in_the_readers_zone(when: datetime, text: str) -> None:
    now = datetime(2026, 6, 2, 3, 30, tzinfo=UTC)

    assert formats.moment(when, ZoneInfo("America/New_York"), now=now) == text


def test_counts_and_lists() -> None:
    assert [formats.counted(amount, "row") for amount in (0, 1, 2)] == ["no rows", "1 row", "2 rows"]
    assert [formats.listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
