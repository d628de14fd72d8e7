"""The functions of the rule language with known, hidden and unknown arguments, and sets of choices."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language.expressions import Language, Scope, Variable, function_names
from rules.language.functions import FUNCTIONS, full_months, rounded
from rules.language.kinds import DATE, NUMBER, TEXT, TRUTH, Kind, rows_of
from rules.language.values import Maybe, Unknown

HIDDEN = None
OPEN = Unknown(frozenset({"x"}))
LANGUAGE = Language({"rooms": {"name": Variable(TEXT, 0, 0)}})
KINDS = {
    "n": NUMBER,
    "m": NUMBER,
    "t": TEXT,
    "d": DATE,
    "e": DATE,
    "many": Kind("list", TEXT, is_set=True),
    "yes": TRUTH,
    "rooms": rows_of("rooms"),
}
SCOPE = Scope(LANGUAGE, {name: Variable(kind, 0, slot) for slot, (name, kind) in enumerate(KINDS.items(), start=1)})
DATES = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def evaluate(source: str, **values: Any) -> Any:
    return SCOPE.compile(source).evaluate([date(2026, 6, 1), *(values.get(name) for name in KINDS)])


@pytest.mark.parametrize(
    ("source", "values", "wanted"),
    [
        ("days(d, e)", {"d": date(2026, 1, 1), "e": date(2026, 3, 1)}, 59),
        ("days(e, d)", {"d": date(2026, 1, 1), "e": date(2026, 3, 1)}, -59),
        ("days(d, as_of) > 365", {"d": date(2025, 5, 31)}, True),
        ("days(d, e)", {"d": HIDDEN, "e": OPEN}, HIDDEN),
        ("days(d, e)", {"d": date(2026, 1, 1), "e": OPEN}, OPEN),
        ("months(d, e)", {"d": date(2026, 1, 31), "e": date(2026, 2, 28)}, 1),
        ("months(d, e)", {"d": date(2026, 1, 31), "e": date(2026, 2, 27)}, 0),
        ("months(d, e)", {"d": date(2026, 1, 15), "e": date(2027, 1, 14)}, 11),
        ("months(e, d)", {"d": date(2026, 1, 15), "e": date(2027, 1, 15)}, -12),
        ("months(d, e)", {"d": OPEN, "e": HIDDEN}, HIDDEN),
        ("month(d)", {"d": date(2026, 7, 4)}, 7),
        ("day(d)", {"d": date(2026, 7, 4)}, 4),
        ("month(d)", {"d": HIDDEN}, HIDDEN),
        ("month(d)", {"d": OPEN}, OPEN),
        ("round(n, 2)", {"n": Decimal("1.005")}, Decimal("1.01")),
        ("round(n, 2)", {"n": Decimal("-1.005")}, Decimal("-1.01")),
        ("round(n)", {"n": Decimal("2.5")}, 3),
        ("round(n, -3)", {"n": 1500}, 2000),
        ("round(n, m)", {"n": 1, "m": Decimal("0.5")}, HIDDEN),
        ("round(n, m)", {"n": 1, "m": 99}, HIDDEN),
        ("round(n, 2)", {"n": OPEN}, OPEN),
        ("round(n, 2)", {"n": HIDDEN}, HIDDEN),
        ("lower(t)", {"t": "ÉCOLE Nord"}, "école nord"),
        ("lower(t) == 'a'", {"t": HIDDEN}, False),
        ("lower(t)", {"t": OPEN}, OPEN),
        ("answered(t)", {"t": "x"}, True),
        ("answered(t)", {"t": HIDDEN}, False),
        ("answered(t)", {"t": OPEN}, False),
        ("!answered(t)", {"t": OPEN}, True),
        ("answered(yes)", {"yes": False}, True),
        ("answered(n)", {"n": 0}, True),
        ("answered(rooms)", {"rooms": []}, False),
        ("answered(rooms)", {"rooms": [object()]}, True),
        ('many == ["b", "a"]', {"many": ["a", "b"]}, True),
        ('many == ["a"]', {"many": ["a", "b"]}, False),
        ('many != ["b", "a"]', {"many": ["a", "b"]}, False),
        ('["b", "a"] == many', {"many": ["a", "b"]}, True),
        ('many in [["c"], ["b", "a"]]', {"many": ["a", "b"]}, True),
        ('many == ["b", "a"]', {"many": HIDDEN}, False),
        ('many == ["b", "a"]', {"many": OPEN}, OPEN),
        ("many == [t]", {"many": ["a"], "t": OPEN}, OPEN),
        ('["b", "a"] == ["a", "b"]', {}, False),
    ],
)
def test_value(source: str, values: dict[str, Any], wanted: Any) -> None:
    found = evaluate(source, **values)

    assert found == wanted
    assert isinstance(found, Decimal | Fraction) if isinstance(wanted, Decimal) else type(found) is type(wanted)


def test_a_doubtful_element_leaves_sets_unknown() -> None:
    assert evaluate('many == ["a"]', many=[Maybe("a", OPEN)]) == OPEN


def test_each_function_has_one_entry() -> None:
    assert function_names() == sorted(FUNCTIONS)
    assert {"answered", "days", "months", "round", "lower", "month", "day"} <= FUNCTIONS.keys()


@given(start=DATES, end=DATES)
def test_months_and_days_agree_with_each_other(start: date, end: date) -> None:
    months = full_months(start, end)

    assert full_months(end, start) == -months
    assert (months >= 0) or (end < start)
    # A full month has 28 days at least, and is over after 31.
    assert 28 * abs(months) - 3 <= abs((end - start).days) <= 31 * (abs(months) + 1)


@given(start=DATES, gone=st.integers(0, 4000))
def test_months_never_fall_as_days_pass(start: date, gone: int) -> None:
    end = start + timedelta(days=gone)

    assert full_months(start, end) <= full_months(start, end + timedelta(days=1))


@given(number=st.decimals(-(10**9), 10**9, places=6), places=st.integers(-3, 6))
def test_rounding_moves_by_half_a_unit_at_most(number: Decimal, places: int) -> None:
    unit = Fraction(10) ** -places

    found = rounded(number, places)

    assert abs(found - Fraction(number)) <= unit / 2
    assert found % unit == 0
