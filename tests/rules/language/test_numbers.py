"""The numbers of rules: exact, rounded half up once, hidden beyond a limit, and never an error."""

from __future__ import annotations

import time
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language import numbers
from tests.harness.tiers import within
from tests.rules.language.test_expressions import evaluate

WHOLE = st.integers(-(10**15), 10**15)
DECIMAL = st.decimals(-(10**12), 10**12, places=6)
FRACTION = st.fractions(-(10**9), 10**9, max_denominator=10**9)
#: All that a stored answer, a literal or a result can be, and far more than a form holds.
NUMBER = st.one_of(WHOLE, DECIMAL, FRACTION)
EXTREME = st.one_of(NUMBER, st.integers(-(10**40), 10**40), st.decimals(allow_nan=False, allow_infinity=False))
OPERATIONS = {"+": Fraction.__add__, "-": Fraction.__sub__, "*": Fraction.__mul__, "/": Fraction.__truediv__}


@pytest.mark.parametrize(
    "text",
    [
        "n / m * m == n",
        "n / m + n / m + n / m == n * 3.0 / m",
        "n / 3.0 + n / 3.0 + n / 3.0 == n",
        "(n / 3 + n / 3 + n / 3) * 100 / n == 100",
        "n * 0.1 + n * 0.2 == n * 0.3",
        "sum([n / 7, n / 7, n * 5 / 7]) == n",
        "-(n / m) == 0 - n / m",
        "max([n / 3, n]) == n",
    ],
)
@pytest.mark.parametrize("n", [1, 2, 7, Decimal("0.1"), Decimal("999999999999.99")])
def test_quotients_are_exact(text: str, n: Any) -> None:
    assert evaluate(text, n=n, m=3) is True


@given(NUMBER, NUMBER, st.sampled_from(sorted(OPERATIONS)))
def test_one_operation_is_that_of_fractions(left: Any, right: Any, sign: str) -> None:
    result = evaluate(f"n {sign} m", n=left, m=right)

    if sign == "/" and right == 0:
        assert result is None
    else:
        wanted = OPERATIONS[sign](Fraction(left), Fraction(right))
        assert result is None if abs(wanted) > numbers.LARGEST else result == wanted


@given(st.lists(NUMBER, max_size=30))
def test_a_sum_is_that_of_fractions(values: list[Any]) -> None:
    assert numbers.total(values) == sum(map(Fraction, values))


@given(EXTREME, EXTREME, st.sampled_from(sorted(OPERATIONS)))
def test_no_number_raises(left: Any, right: Any, sign: str) -> None:
    result = evaluate(f"sum([(n {sign} m) * n, m])", n=left, m=right)

    assert result is None or abs(result) <= numbers.LARGEST


@pytest.mark.parametrize("start", [Decimal("1.5"), Decimal("999999999999.5"), 2, -3, 10**15])
@pytest.mark.parametrize("length", [8, 17, 200])
def test_a_chain_of_squares_is_hidden_and_cheap(start: Any, length: int) -> None:
    value, started = start, time.perf_counter()

    for _ in range(length):
        value = evaluate("n * n", n=value)

    assert value is None
    assert time.perf_counter() - started < within(2)


@pytest.mark.parametrize("start", [Decimal("0.5"), Decimal("0.9999999"), Fraction(1, 3)])
def test_a_chain_of_ever_smaller_numbers_stays_short(start: Any) -> None:
    value = start

    for _ in range(200):
        value = numbers.multiply(value, value)

    assert Fraction(value).denominator <= 10**60


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        ("n * n", 10**15, 10**30),
        ("n * n + 1", 10**15, None),
        ("n * n * n > 0", 10**15, False),
        ("!(n * n * n > 0)", 10**15, True),
        ("sum([n * n * n, 7])", 10**15, 7),
        ("n * -n * n", 10**15, None),
        ("n / 0.0000001 / 0.0000001 / 0.0000001", 10**15, None),
    ],
)
def test_a_number_beyond_the_limit_is_hidden(text: str, value: Any, wanted: Any) -> None:
    assert evaluate(text, n=value) == wanted


@given(st.one_of(DECIMAL, WHOLE), st.integers(0, 4))
def test_rounding_is_half_up(value: Any, places: int) -> None:
    with localcontext() as wide:
        wide.prec = 60
        wanted = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    assert numbers.round_half_up(value, places) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(Fraction(5, 2), 3), (Fraction(-5, 2), -3), (Fraction(1, 3), 0)])
def test_halves_are_rounded_away_from_zero(value: Fraction, wanted: int) -> None:
    assert numbers.round_half_up(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Fraction(10, 3), "3.333333"),
        (Fraction(-1, 2), "-0.5"),
        (Fraction(2, 3), "0.666667"),
        (10**20, "100000000000000000000"),
        (Decimal("1E+20"), "100000000000000000000"),
        (Decimal("12.50"), "12.5"),
        (0, "0"),
        (Fraction(1, 10**9), "0"),
    ],
)
def test_a_number_as_text_has_no_exponent(value: Any, wanted: str) -> None:
    assert numbers.text_of(value) == wanted
