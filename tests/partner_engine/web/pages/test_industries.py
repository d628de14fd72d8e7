"""The search of industries by words or code."""

from __future__ import annotations

import pytest

from partner_engine.web.pages.industries import MOST, find_industries


@pytest.mark.parametrize("query", ["722511", "full service rest", "Full-Service Restaurants", "restaurants full"])
def test_restaurants_are_found_by_code_and_by_words(query: str) -> None:
    assert ("722511", "Full-Service Restaurants") in find_industries(query)


def test_only_six_digit_codes_and_not_too_many() -> None:
    found = find_industries("23")

    assert len(found) == MOST
    assert all(len(code) == 6 and code.startswith("23") for code, _ in found)


@pytest.mark.parametrize("query", ["", "   ", "zzzz", "999999", "%", "\0", "(" * 50])
def test_nothing_fits(query: str) -> None:
    assert find_industries(query) == []
