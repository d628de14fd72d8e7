"""The search of industries by words or code."""

from __future__ import annotations

import csv

import pytest

from rules import industries as searched
from rules.industries import MOST, find_industries
from rules.reference_data import is_industry


@pytest.mark.parametrize("query", ["722511", "full service rest", "Full-Service Restaurants", "restaurants full"])
def test_restaurants_are_found_by_code_and_by_words(query: str) -> None:
    assert ("722511", "Full-Service Restaurants") in find_industries(query)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("plumber", "238220"),
        ("plumbing", "238220"),
        ("Plumbers", "238220"),
        ("roofer", "238160"),
        ("painter", "238320"),
        ("electrician", "238210"),
        ("lawyer", "541110"),
        ("coffee shop", "722515"),
        ("bistro", "722511"),
        ("dentists", "621210"),
        ("landscaper", "561730"),
        ("trucker", "484110"),
        ("hair salon", "812112"),
        ("caterer", "722320"),
    ],
)
def test_everyday_words_find_the_trade_first(query: str, code: str) -> None:
    assert find_industries(query)[0].code == code


def test_of_equal_matches_the_more_common_come_first() -> None:
    assert [found.code for found in find_industries("restaurants")][:2] == ["722511", "722513"]
    assert [found.code for found in find_industries("restaurants", common={"722513": 2})][:2] == ["722513", "722511"]
    # A better fit stays before a more common one.
    assert find_industries("bistro", common={"722410": 9})[0].code == "722511"
    assert find_industries("23", common={"238990": 1})[0].code == "238990"


def test_only_six_digit_codes_and_not_too_many() -> None:
    found = find_industries("23")

    assert len(found) == MOST
    assert all(len(code) == 6 and code.startswith("23") for code, _ in found)
    assert len(find_industries("23", most=None)) > MOST


@pytest.mark.parametrize("query", ["", "   ", "zzzz", "999999", "%", "\0", "(" * 50, "plumber zzzz"])
def test_nothing_fits(query: str) -> None:
    assert find_industries(query) == []


def test_every_everyday_word_names_real_industries() -> None:
    with searched._WORDS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) > 80
    assert [row for row in rows if not row["words"] or not all(map(is_industry, row["codes"].split()))] == []
