"""The spread of many numbers, exact while they are few."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions import spread
from decisions.spread import QUANTILES, Spread


def spread_of(values: list[int]) -> Spread:
    made = Spread()
    for value in values:
        made.add(value)
    return made


@given(st.lists(st.integers(-10_000, 10_000), min_size=1))
def test_a_percentile_is_the_first_value_that_so_many_reach(values: list[int]) -> None:
    ordered, shape = sorted(values), spread_of(values).shape()

    assert (shape.least, shape.greatest, shape.count) == (ordered[0], ordered[-1], len(ordered))
    assert shape.percentiles == {str(percent): ordered[-(-percent * len(ordered) // 100) - 1] for percent in QUANTILES}


def test_without_values_there_is_no_spread() -> None:
    assert (Spread().shape().count, Spread().shape().least, Spread().shape().median) == (0, None, None)


def test_many_different_values_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "MOST_VALUES", 16)
    shape = spread_of(list(range(-500, 500))).shape()

    assert (shape.least, shape.greatest) == (-500, 499)
    assert shape.width > 1
    assert shape.median is not None
    assert -1 - shape.width < shape.median <= -1
