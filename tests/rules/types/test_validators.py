"""Each validator at its limits, and the checks of identity numbers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import zipcodes
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.definition.catalogue import Question
from rules.reference_data import industries, is_industry, old_industries
from rules.types.checks import CheckContext, Doubt
from rules.types.date import years_before
from rules.types.email import is_email
from rules.types.fein import is_ein
from rules.types.phone import is_phone
from rules.types.ssn import is_ssn
from rules.types.url import is_url
from rules.types.validators import parse_validators
from rules.types.vin import is_vin
from rules.zip_codes import place_of, states_of_zip
from tests.harness.tiers import amount

CONTEXT = CheckContext(date(2026, 6, 1), allow_test_identities=False)


def faults(kind: Any, call: str, value: Any, *, context: CheckContext = CONTEXT) -> list[str]:
    checks, _, wrong = parse_validators(Question(code="q", label="Q", type=kind, validate=(call,)), "")
    assert wrong == []
    return [text for check in checks if (text := check.test(value, context)) is not None]


@pytest.mark.parametrize(
    ("kind", "call", "right", "wrong"),
    [
        ("integer", "min:5", 5, 4),
        ("decimal", "max:1.25", Decimal("1.25"), Decimal("1.26")),
        ("text", "max:3", "abc", "abcd"),
        ("long_text", "min:3", "abc", "ab"),
        ("year", "max:as_of", 2026, 2027),
        ("year", "max:as_of+1", 2027, 2028),
        ("year", "min:as_of-10", 2016, 2015),
        ("multi_choice", "min_items:2", ["a", "b"], ["a"]),
        ("multi_choice", "max_items:1", ["a"], ["a", "b"]),
        ("date", "not_before:as_of", date(2026, 6, 1), date(2026, 5, 31)),
        ("date", "not_after:as_of+3", date(2026, 6, 4), date(2026, 6, 5)),
        ("date", "not_after:2026-01-31", date(2026, 1, 31), date(2026, 2, 1)),
        ("date", "within_days:120", date(2026, 9, 29), date(2026, 9, 30)),
        ("date", "within_days:1", date(2026, 5, 31), date(2026, 5, 30)),
        ("date", "years_back:5", date(2021, 6, 1), date(2021, 5, 31)),
        ("date", "age_between:18:110", date(2008, 6, 1), date(2008, 6, 2)),
        ("date", "age_between:18:110", date(1915, 6, 2), date(1915, 6, 1)),
        ("boolean", "must_be_true", True, False),
        ("zip", "zip5", "78701", "7870"),
        ("naics", "naics6", "722511", "7225"),
        ("naics", "naics6", "541512", "999999"),
        ("fein", "fein", "12-3456789", "00-0000001"),
        ("ssn", "ssn", "123-45-6789", "987-65-4321"),
        ("phone", "us_phone", "+16142220101", "+16145550101"),
        ("vin", "vin_check_digit", "1DMTRK451PX000002", "1DMTRK452PX000002"),
    ],
)
def test_a_validator_takes_the_border_and_refuses_what_is_beyond(kind: Any, call: str, right: Any, wrong: Any) -> None:
    assert faults(kind, call, right) == []
    assert len(faults(kind, call, wrong)) == 1


@pytest.mark.parametrize(
    ("kind", "call", "value"),
    [("fein", "fein", "00-0000001"), ("ssn", "ssn", "987-65-4321"), ("phone", "us_phone", "+16145550101 x12")],
)
def test_test_identities_pass_where_the_catalogue_allows_them(kind: Any, call: str, value: str) -> None:
    assert faults(kind, call, value, context=CheckContext(date(2026, 6, 1), allow_test_identities=True)) == []


@pytest.mark.parametrize(
    "call",
    [
        "nope",
        "min",
        "min:",
        "min:x",
        "min:1:2",
        "min:nan",
        "fein",
        "age_between:18",
        "within_days:-1",
        "in_pool:x",
        "pool_sum_max:1",
        "",
    ],
)
def test_a_wrong_validator_is_reported_with_its_remedy(call: str) -> None:
    _, _, wrong = parse_validators(Question(code="q", label="Q", type="integer", validate=(call,)), "")

    if call == "in_pool:x":
        assert [str(fault) for fault in wrong] == ["'' is not a question code."]
    assert [bool(fault.remedy) for fault in wrong] == [True]


@pytest.mark.parametrize("vin", ["1DMTRK451PX000002", "1DMTRLR19PX000003", "1M8GDM9AXKP042788"])
def test_a_vin_with_its_check_digit_passes(vin: str) -> None:
    assert is_vin(vin)


@pytest.mark.parametrize("vin", ["1M8GDM9A1KP042788", "1M8GDM9AXKP04278", "IM8GDM9AXKP042788", "1m8gdm9axkp042788", ""])
def test_a_vin_without_its_check_digit_is_refused(vin: str) -> None:
    assert not is_vin(vin)


@pytest.mark.parametrize(
    "text", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "078-05-1120", "987-65-4330"]
)
def test_unassigned_numbers_are_invalid_ssns(text: str) -> None:
    assert not is_ssn(text, True)


def test_eins_and_phones_follow_their_plans() -> None:
    assert [is_ein(f"{prefix}-1234567", False) for prefix in ("01", "07", "17", "31", "49", "99")] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert [
        is_phone(number, False) for number in ("2145550150", "1145551234", "2119551234", "2145550250", "2141911234")
    ] == [
        False,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("text", ["a@b.co", "first.last+x@sub.example.com", "o'brien@example.org"])
def test_an_email_address_passes(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "a@b",
        "@example.com",
        "a b@example.com",
        "a@@example.com",
        ".a@example.com",
        "a..b@example.com",
        "a@-b.com",
        "a@b.com\n",
    ],
)
def test_an_invalid_email_address_is_refused(text: str) -> None:
    assert not is_email(text)


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("https://example.com", True),
        ("http://a.example.com/x?y=1", True),
        ("ftp://example.com", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://a b.com", False),
        ("https://[::1", False),
    ],
)
def test_a_web_address_has_a_domain(text: str, is_right: bool) -> None:
    assert is_url(text) is is_right


@pytest.mark.parametrize(
    ("code", "states"),
    [
        ("78701", "TX"),
        ("94105", "CA"),
        ("10001", "NY"),
        ("06390", "NY"),
        ("06001", "CT"),
        ("00501", "NY"),
        ("20001", "DC"),
        ("99501", "AK"),
        ("96801", "HI"),
        ("73301", "TX"),
        ("09001", "AE"),
        ("34001", "AA"),
        ("96201", "AP"),
        ("96799", "AS"),
        ("96910", "GU"),
        ("96939", "PW"),
        ("96941", "FM"),
        ("96950", "MP"),
        ("96960", "MH"),
        ("00901", "PR"),
        ("00801", "VI"),
        ("42223", "KY TN"),
        ("72643", "AR"),
        ("73960", "TX"),
        ("57717", "MT SD WY"),
        ("31905", "AL GA"),
        ("00000", ""),
        ("34800", ""),
    ],
)
def test_a_zip_lies_in_its_states(code: str, states: str) -> None:
    assert states_of_zip(code) == frozenset(states.split())


def test_the_places_of_zip_codes_are_those_of_the_zipcodes_package() -> None:
    package = {row["zip_code"]: row for row in zipcodes.list_all() if row["active"]}
    listed = {code: place_of(code) for code in package}
    #: The package has wrong states for these (see docs/reference-data.md).
    corrected = {code for code, place in listed.items() if place and package[code]["state"] not in place.states}

    assert [code for code, place in listed.items() if place is None] == []
    assert len(package) > 41_000
    assert sorted(corrected - {"72643"}) == sorted(code for code in corrected if code.startswith("099"))
    for code, place in listed.items():
        assert place is not None
        assert place.city.casefold() == package[code]["city"].strip().casefold()
        assert place.county in (package[code]["county"].strip(), "")


def test_old_industries_name_their_successors() -> None:
    assert len(old_industries()) == 139
    for code, old in old_industries().items():
        assert not is_industry(code)
        assert old.title and old.successors and all(map(is_industry, old.successors))
    assert old_industries()["442110"] == ("Furniture Stores", ("449110",))


@pytest.mark.parametrize(
    ("as_of", "value", "is_within"),
    [
        (date(2028, 2, 29), date(2023, 2, 28), True),
        (date(2028, 2, 29), date(2023, 2, 27), False),
        (date(2029, 3, 1), date(2024, 2, 29), False),
        (date(2029, 3, 1), date(2024, 3, 1), True),
        (date(2029, 2, 28), date(2024, 2, 28), True),
        (date(2033, 2, 28), date(2028, 2, 29), True),
    ],
)
def test_years_back_reckons_from_the_same_day_years_before(as_of: date, value: date, is_within: bool) -> None:
    found = faults("date", "years_back:5", value, context=CheckContext(as_of, allow_test_identities=False))

    assert found == ([] if is_within else ["Must be within the last 5 years."])


@settings(max_examples=amount(100, full=300), deadline=None)
@given(as_of=st.dates(date(1900, 1, 1), date(2200, 1, 1)), years=st.integers(1, 90))
def test_the_day_years_before_is_a_year_with_the_same_day(as_of: date, years: int) -> None:
    before = years_before(as_of, years)

    assert before.year == as_of.year - years
    assert (before.month, before.day) in ((as_of.month, as_of.day), (2, 28))
    assert faults("date", f"years_back:{years}", before, context=CheckContext(as_of, False)) == []
    assert faults("date", f"years_back:{years}", before - timedelta(days=1), context=CheckContext(as_of, False)) != []


@pytest.mark.parametrize(
    ("kind", "call", "value"),
    [
        ("integer", "warn max:5", 6),
        ("text", "warn min:5", "abc"),
        ("date", "warn not_after:as_of", date(2026, 6, 2)),
        ("vin", "warn vin_check_digit", "1M8GDM9A1KP042788"),
    ],
)
def test_a_validator_can_warn_instead(kind: Any, call: str, value: Any) -> None:
    found = faults(kind, call, value)

    assert len(found) == 1
    assert all(isinstance(text, Doubt) for text in found)
    assert [str(text) for text in found] == [str(text) for text in faults(kind, call.removeprefix("warn "), value)]


def test_a_relation_can_warn_instead() -> None:
    question = Question(code="q", label="Q", type="integer", validate=("warn max_of:other",))

    _, (relation,), wrong = parse_validators(question, "")

    assert wrong == []
    assert (relation.name, relation.other, relation.test(1, 2)) == ("max_of", "other", None)
    assert isinstance(relation.test(3, 2), Doubt)


@pytest.mark.parametrize(("kind", "code"), [("zip", None), ("text", "This ZIP code is not in the list of 2026.")])
def test_a_zip_code_that_is_not_listed_is_doubted_once(kind: Any, code: str | None) -> None:
    question = Question(code="q", label="Q", type=kind, validate=("zip_matches_state:state",))
    checks, (relation,), _ = parse_validators(question, "")

    assert relation.test("00000", "TX") == code
    assert [str(check.test("00000", CONTEXT)) for check in checks] == [
        "This ZIP code is not in the list of 2026." for _ in checks
    ]
    assert [relation.test("42223", state) for state in ("KY", "TN")] == [None, None]
    assert relation.test("42223", "TX") == "This ZIP code is in KY or TN, not in TX."
    assert not isinstance(relation.test("42223", "TX"), Doubt)


def test_all_industries_of_the_table_are_known() -> None:
    assert sum(is_industry(code) for code in industries()) == 1012
