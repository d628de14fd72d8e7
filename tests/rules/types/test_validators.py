"""Each validator on its borders, and the identities behind them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rules.definition.catalogue import Question
from rules.reference_data import industries, is_industry, states_of_zip
from rules.types.checks import CheckContext
from rules.types.email import is_email
from rules.types.fein import is_ein
from rules.types.phone import is_phone
from rules.types.ssn import is_ssn
from rules.types.url import is_url
from rules.types.validators import parse_validators
from rules.types.vin import is_vin

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
        ("phone", "us_phone", "6142220101", "6145550101"),
        ("vin", "vin_check_digit", "1DMTRK451PX000002", "1DMTRK452PX000002"),
    ],
)
def test_a_validator_takes_the_border_and_refuses_what_is_beyond(kind: Any, call: str, right: Any, wrong: Any) -> None:
    assert faults(kind, call, right) == []
    assert len(faults(kind, call, wrong)) == 1


@pytest.mark.parametrize(
    ("kind", "call", "value"),
    [("fein", "fein", "00-0000001"), ("ssn", "ssn", "987-65-4321"), ("phone", "us_phone", "6145550101")],
)
def test_test_identities_pass_where_the_catalogue_allows_them(kind: Any, call: str, value: str) -> None:
    assert faults(kind, call, value, context=CheckContext(date(2026, 6, 1), allow_test_identities=True)) == []


def test_email_and_url_are_checked_by_their_type() -> None:
    for kind, wrong in (("email", "robin@"), ("url", "https://nowhere")):
        checks, _, _ = parse_validators(Question(code="q", label="Q", type=kind), "")
        assert [check.name for check in checks if check.test(wrong, CONTEXT)] == [kind]


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
def test_a_wrong_validator_is_told_with_its_remedy(call: str) -> None:
    _, _, wrong = parse_validators(Question(code="q", label="Q", type="integer", validate=(call,)), "")

    if call == "in_pool:x":
        assert [str(fault) for fault in wrong] == ["'' is not a question code."]
    assert [bool(fault.remedy) for fault in wrong] == [True]


@pytest.mark.parametrize("vin", ["1DMTRK451PX000002", "1DMTRLR19PX000003", "1M8GDM9AXKP042788", "11111111111111111"])
def test_a_vin_with_its_check_digit_passes(vin: str) -> None:
    assert is_vin(vin)


@pytest.mark.parametrize("vin", ["1M8GDM9A1KP042788", "1M8GDM9AXKP04278", "IM8GDM9AXKP042788", "1m8gdm9axkp042788", ""])
def test_a_vin_without_it_does_not(vin: str) -> None:
    assert not is_vin(vin)


@pytest.mark.parametrize(
    "text", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "078-05-1120", "987-65-4330"]
)
def test_numbers_that_are_never_given_out_are_no_ssn(text: str) -> None:
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
def test_what_is_no_email_address_does_not(text: str) -> None:
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
        ("00000", None),
        ("34800", None),
    ],
)
def test_a_zip_lies_in_its_state(code: str, states: str | None) -> None:
    assert states_of_zip(code) == (frozenset({states}) if states else frozenset())


def test_all_industries_of_the_table_are_known() -> None:
    assert sum(is_industry(code) for code in industries()) == 1012
