"""The search of industries by words or code."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from rules.industries import MOST, corrected, find_industries
from rules.industry_phrases import EVERYDAY_WORDS, all_phrases
from rules.reference_data import is_industry


@pytest.mark.parametrize("query", ["722511", "full service rest", "Full-Service Restaurants", "restaurants full"])
def test_restaurants_are_found_by_code_and_by_words(query: str) -> None:
    assert ("722511", "Full-Service Restaurants", "") in find_industries(query)


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
    assert all(len(code) == 6 and code.startswith("23") for code, *_ in found)
    assert len(find_industries("23", most=None)) > MOST


def everyday_searches() -> list[tuple[str, set[str]]]:
    with (Path(__file__).parent / "everyday_industries.csv").open(encoding="utf-8", newline="") as file:
        return [(row["query"], set(row["codes"].split())) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("query", "codes"), everyday_searches())
def test_the_words_of_an_agent_find_the_industry(query: str, codes: set[str]) -> None:
    assert all(map(is_industry, codes))
    assert codes & {found.code for found in find_industries(query)[:5]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("jewlery store", "458310"),
        ("restaraunt", "722511"),
        ("resturant", "722511"),
        ("electrition", "238210"),
        ("plummer", "238220"),
        ("lanscaping", "561730"),
        ("accountent", "541211"),
        ("vetinarian", "541940"),
        ("chiropracter", "621310"),
        ("bakry", "445291"),
        ("morgage broker", "522310"),
        ("insurence agency", "524210"),
    ],
)
def test_misspelled_words_find_what_is_spelled_alike(query: str, code: str) -> None:
    assert code in [found.code for found in find_industries(query)[:3]]


@pytest.mark.parametrize(
    "query", ["plumber zzzz", "zzzz plumber", "Joe's plumbing company llc", "a plumber in my town"]
)
def test_words_that_no_industry_has_do_not_hide_the_others(query: str) -> None:
    assert find_industries(query)[0].code == "238220"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("442110", [("449110", "Furniture Retailers", "442110")]),
        ("4421", [("449110", "Furniture Retailers", "442110")]),
        (
            "212113",
            [
                ("212114", "Surface Coal Mining", "212113"),
                ("212115", "Underground Coal Mining", "212113"),
            ],
        ),
        ("722511", [("722511", "Full-Service Restaurants", "")]),
    ],
)
def test_codes_of_naics_2017_find_their_successors(query: str, found: list[tuple[str, str, str]]) -> None:
    assert find_industries(query) == found


def test_a_code_of_both_years_is_found_once() -> None:
    found = [industry.code for industry in find_industries("45", most=None)]

    assert len(found) == len(set(found)) > MOST


def test_the_index_of_naics_has_phrases_for_nearly_every_industry() -> None:
    phrases = all_phrases()
    indexed = {phrases.codes[phrase.place] for phrase in phrases.phrases if phrase.rank == 0}

    assert sorted(set(phrases.codes) - indexed) == ["112130", "541120"]
    assert sum(phrase.rank == 0 for phrase in phrases.phrases) == 20_373


@pytest.mark.parametrize("query", ["", "   ", "zzzz", "999999", "%", "\0", "(" * 50, "xqzzy"])
def test_nothing_fits(query: str) -> None:
    assert find_industries(query) == []


def test_every_everyday_word_names_real_industries() -> None:
    with EVERYDAY_WORDS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) > 80
    assert [row for row in rows if not row["words"] or not all(map(is_industry, row["codes"].split()))] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("plumer", "238220"),
        ("restaraunt", "722511"),
        ("resturant", "722511"),
        ("electrition", "238210"),
        ("electricain", "238210"),
        ("hair saloon", "812112"),
        ("landscapping", "561730"),
        ("carpentor", "238130"),
        ("dentest", "621210"),
        ("accountent", "541211"),
        ("bakry", "311811"),
        ("roffer", "238160"),
        ("mecanic", "811111"),
        ("pharmacey", "456110"),
        ("veternarian", "541940"),
        ("photografer", "541921"),
        ("jewelery", "458310"),
        ("cofee shop", "722515"),
        ("gardner", "561730"),
        ("lawer", "541110"),
        ("barbar", "812111"),
        ("chiropractic", "621310"),
        ("plumming", "238220"),
        ("florest", "459310"),
        ("we fix cars", "811111"),
        ("cut hair", "812112"),
        ("mow lawns", "561730"),
        ("clean houses", "561720"),
        ("sell flowers", "459310"),
        ("fix computers", "811210"),
        ("paint houses", "238320"),
        ("do taxes", "541213"),
        ("walk dogs", "812910"),
        ("haul trash", "562111"),
        ("build decks", "236118"),
        ("deliver packages", "492210"),
        ("teach yoga", "713940"),
        ("take care of kids", "624410"),
        ("make websites", "541511"),
        ("put up drywall", "238310"),
        ("install air conditioning", "238220"),
        ("dig wells", "237110"),
        ("cut trees", "561730"),
        ("kill bugs", "561710"),
        ("bake cakes", "311811"),
        ("repair phones", "811210"),
        ("sell houses", "531210"),
        ("barb", "812111"),
        ("handyman services", "236118"),
        ("truck driver", "484110"),
        ("babysitting", "624410"),
        ("selling used cars", "441120"),
        ("we clean offices", "561720"),
        ("cell phone store", "449210"),
        ("cooking food for parties", "722320"),
    ],
)
def test_misspellings_and_lay_phrases_find_the_trade_in_the_first_five(query: str, code: str) -> None:
    assert code in [found.code for found in find_industries(query)[:5]]


def test_a_misspelled_trade_finds_nothing_far_off() -> None:
    assert [found.code for found in find_industries("plumer")] == ["238220"]
    assert find_industries("we fix cars")[0].code == "811111"


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("plumer", "plumber"),
        ("restaraunt", "restaurant"),
        ("hair saloon", "hair salon"),
        ("plumber", ""),
        ("resta", ""),
        ("painter", ""),
        ("722511", ""),
        ("zzzz", ""),
    ],
)
def test_a_misspelled_word_is_named_as_it_was_meant(query: str, meant: str) -> None:
    assert corrected(query, find_industries(query)) == meant
