"""Cleaning: one stored form for all ways of typing a value; any other input is refused with a code."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.definition.catalogue import Question
from rules.reference_data import state_names
from rules.types.cleaning import InvalidValue, clean
from rules.types.registry import QUESTION_TYPES
from tests.harness.boarding_catalogue import boarding
from tests.harness.tiers import amount

CATALOGUE = boarding()


def question(kind: Any) -> Question:
    return Question(code="q", label="Q", type=kind, choices="species" if kind in ("choice", "multi_choice") else "")


@pytest.mark.parametrize(
    ("kind", "raw", "stored"),
    [
        ("text", "  Copper \t Kettle\r\n", "Copper Kettle"),
        ("text", "Cafe\u0301", "Caf\u00e9"),
        ("text", "   ", None),
        ("long_text", " a\r\nb ", "a\nb"),
        ("money", "$1,250,000", 1250000),
        ("money", "3,200.505", 3200.51),
        ("money", 0.1 + 0.2, 0.3),
        ("integer", "3,200", 3200),
        ("integer", 3.0, 3),
        ("number", "-1.5", -1.5),
        ("decimal", 0.96, 0.96),
        ("percent", "12.5 %", 12.5),
        ("year", "2015", 2015),
        ("boolean", False, False),
        ("choice", "dog", "dog"),
        ("multi_choice", ["cat", "dog", "cat"], ["dog", "cat"]),
        ("date", "2026-07-01", "2026-07-01"),
        ("date", "7/1/2026", "2026-07-01"),
        ("zip", "78701-1234", "78701"),
        ("phone", "+1 (614) 555-0101", "+16145550101"),
        ("phone", "614.555.0101", "+16145550101"),
        ("fein", "000000001", "00-0000001"),
        ("fein", "00-0000001", "00-0000001"),
        ("ssn", "987 65 4321", "987-65-4321"),
        ("vin", " 1dmtrk451px000002 ", "1DMTRK451PX000002"),
        ("naics", "722511", "722511"),
        ("email", " robin@example.com ", "robin@example.com"),
        ("url", "example.com", "https://example.com"),
        ("url", "http://example.com/x", "http://example.com/x"),
    ],
)
def test_a_value_is_brought_into_its_form(kind: Any, raw: Any, stored: Any) -> None:
    cleaned = clean(CATALOGUE, question(kind), raw)

    assert (cleaned, type(cleaned)) == (stored, type(stored))
    assert clean(CATALOGUE, question(kind), cleaned) == cleaned


@pytest.mark.parametrize(
    ("kind", "raw", "code"),
    [
        ("text", 5, "wrong_type"),
        ("text", {"a": 1}, "wrong_type"),
        ("text", "a\x00b", "bad_character"),
        ("text", "a\ud800", "bad_character"),
        ("text", "x" * 1001, "too_long"),
        ("long_text", "x" * 20001, "too_long"),
        ("integer", True, "wrong_type"),
        ("integer", 3.5, "not_whole"),
        ("integer", "3.5.1", "not_a_number"),
        ("integer", "1,25", "not_a_number"),
        ("number", math.nan, "out_of_range"),
        ("number", math.inf, "out_of_range"),
        ("number", 10**400, "out_of_range"),
        ("number", "9" * 50, "not_a_number"),
        ("number", "1e5", "not_a_number"),
        ("number", "\u0661", "not_a_number"),
        ("number", "$", "wrong_unit"),
        ("number", [1], "wrong_type"),
        ("year", 26, "out_of_range"),
        ("boolean", "maybe", "wrong_type"),
        ("boolean", 1, "wrong_type"),
        ("choice", "fish", "unknown_choice"),
        ("choice", ["dog"], "wrong_type"),
        ("multi_choice", "dog", "wrong_type"),
        ("multi_choice", ["dog", "fish"], "unknown_choice"),
        ("multi_choice", ["dog", None], "wrong_type"),
        ("multi_choice", ["dog", ""], "unknown_choice"),
        ("multi_choice", ["dog"] * 1000, "too_long"),
        ("date", "2026-02-30", "not_a_date"),
        ("date", 20260701, "wrong_type"),
        ("zip", "787", "zip5"),
        ("zip", 78701, "wrong_type"),
        ("phone", "555-0101", "us_phone"),
        ("fein", "1234", "fein"),
        ("ssn", "12-345", "ssn"),
        ("vin", "1DM", "vin"),
        ("naics", "7225111", "naics"),
    ],
)
def test_an_invalid_value_is_refused(kind: Any, raw: Any, code: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        clean(CATALOGUE, question(kind), raw)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("raw", "stored"), [("£4,250,000", 4250000), ("4.25M GBP", 4250000), ("5 pounds", 5), ("4,250", 4250)]
)
def test_an_amount_is_read_in_the_currency_of_the_catalogue(raw: str, stored: float) -> None:
    in_pounds = boarding(currency="GBP")

    assert clean(in_pounds, question("money"), raw) == stored
    for foreign in ("$4,250,000", "US$5", "5 EUR", "€5"):
        with pytest.raises(InvalidValue) as refused:
            clean(in_pounds, question("money"), foreign)
        assert (refused.value.code, refused.value.text) == ("wrong_currency", "Enter the amount in GBP.")


@pytest.mark.parametrize("raw", ["yes", "YES"])
def test_a_name_that_several_choices_have_is_refused(raw: str) -> None:
    choice = QUESTION_TYPES["choice"]

    with pytest.raises(InvalidValue, match="Several choices"):
        choice.clean(raw, choices={"y": "Yes", "Yes!": "yes"})
    assert choice.clean("Yes", choices={"yes": "No", "Yes": "Yes, sometimes"}) == "Yes"


@pytest.mark.parametrize("raw", ["Texas", "TEXAS", " texas ", "tx"])
def test_a_state_is_taken_by_its_name_where_the_list_has_only_codes(raw: str) -> None:
    choice = QUESTION_TYPES["choice"]

    assert choice.clean(raw, choices={"TX": "TX", "NM": "NM"}) == "TX"
    with pytest.raises(InvalidValue):
        choice.clean("New York", choices={"TX": "TX", "NM": "NM"})
    assert len(state_names()) == 56


HOSTILE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.binary(max_size=3),
        st.text("0123456789,.$%-+/ \ud800"),
    ),
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(st.text(max_size=3), below, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=amount(60, full=400), deadline=None)
@given(kind=st.sampled_from(sorted(QUESTION_TYPES)), raw=HOSTILE)
def test_any_input_is_cleaned_to_a_stable_value_or_refused(kind: Any, raw: Any) -> None:
    try:
        cleaned = clean(CATALOGUE, question(kind), raw)
    except InvalidValue as refused:
        assert refused.code and refused.text
    else:
        assert clean(CATALOGUE, question(kind), cleaned) == cleaned


@given(
    kind=st.sampled_from(["integer", "number", "decimal", "money", "percent", "year"]),
    number=st.integers(-(10**13), 10**13) | st.integers(-3000, 3000),
)
def test_a_whole_number_is_cleaned_as_an_exact_one(kind: str, number: int) -> None:
    found = []
    for raw in (number, float(number)):
        try:
            found.append(clean(CATALOGUE, question(kind), raw))
        except InvalidValue as error:
            found.append(error.code)

    assert found[0] == found[1]
    assert type(found[0]) is type(found[1])
