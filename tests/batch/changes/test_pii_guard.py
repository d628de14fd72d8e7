"""Personal numbers that are refused in unprotected texts, and texts that pass."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.changes.pii_guard import refuse_private_numbers
from batch.errors import LooksSensitive


@pytest.mark.parametrize(
    "text",
    [
        "987-65-4321",
        "ssn 987 65 4321, call him",
        "(987-65-4321)",
        "FEIN 98-7654321.",
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "amex 3782 822463 10005",
        "no 1234567890123 but 4222222222222",
    ],
)
def test_a_personal_number_is_refused(text: str) -> None:
    with pytest.raises(LooksSensitive, match="The text contains") as refused:
        refuse_private_numbers(text, field="text")

    assert not any(digits in str(refused.value) for digits in ("987", "98-", "4111", "3782", "4222"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Call 512-555-0134 or +44 20 7946 0958",
        "ZIP 78701-1234, since 2026-11-25",
        "$1,250,000 of 12 000 000",
        "policy 4111111111111112",  # the check digit is wrong
        "GL-98-7654321",
        "987-65-43210",
        "4111111111111111111111",
        str(UUID(int=0x0193_5120_1234_7332_9331_0123_4567_8901)),
        "d0-1234-7332-9331-0123a",
    ],
)
def test_other_texts_pass(text: str) -> None:
    refuse_private_numbers(text, field="text")


@pytest.mark.parametrize(
    "text",
    [
        "987\u201165\u20114321",
        "987\u201365\u20134321",
        "987.65.4321",
        "987/65/4321",
        "98765 4321",
        "987-\u200b65-4321",
        "987\u00ad65\u00ad4321",
        "5 2 3 4 4 1 1 8 7",
        "48 1234567",
        "SSN 987654321",
        "ssn987654321",
        "her social is 987654321",
        "987654321 (SSN)",
        "FEIN 000000001",
        "EIN is 12 3456789",
        "Employer ID 12-3456789",
        "Unit 4, 987-65-4321",
        "123-45-6789A",
        "\uff19\uff18\uff17-\uff16\uff15-\uff14\uff13\uff12\uff11",
        "\u0669\u0668\u0667-\u0666\u0665-\u0664\u0663\u0662\u0661",
        "9\ufe0f\u20e38\ufe0f\u20e37\ufe0f\u20e36\ufe0f\u20e35\ufe0f\u20e34\ufe0f\u20e33\ufe0f\u20e32\ufe0f\u20e31",
        "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "00-0000001",
    ],
)
def test_look_alike_separators_do_not_hide_a_number(text: str) -> None:
    with pytest.raises(LooksSensitive):
        refuse_private_numbers(text, field="text")


@pytest.mark.parametrize(
    "text",
    [
        "523441187",
        "Policy 12-3456789",
        "claim number 12-3456789",
        "invoice 987654321",
        "DUNS 123456789",
        "Suite 9, 11/28/2026",
        "+49 30 1234567",
        "Austin, TX 78701 1234",
        "units 101, 12, 4000",
        "1 2 3 4 5 6 7 8 9",
        "2026-11-28 10:30:15",
        "SSN on file; call 512-555-0134",
        "SSN ending 4321",
        "sales of 45000 2025",
    ],
)
def test_references_and_amounts_pass(text: str) -> None:
    refuse_private_numbers(text, field="text")


#: Everything between two digits that is shown as a blank, a dash, a dot or a slash, or is not shown.
SEPARATORS = st.text(
    st.one_of(
        st.characters(categories=["Zs", "Pd", "Cf"]),
        st.sampled_from("./_·:\u2212\u3164\u2800\ufe0f"),
    ),
    min_size=1,
    max_size=3,
)
DIGITS = st.text("0123456789", min_size=9, max_size=9)


@given(digits=DIGITS, first=SEPARATORS, second=SEPARATORS, before=st.sampled_from(["", "He is ", "x: "]))
@settings(max_examples=400)
def test_no_separators_let_a_social_security_number_through(digits: str, first: str, second: str, before: str) -> None:
    with pytest.raises(LooksSensitive):
        refuse_private_numbers(f"{before}{digits[:3]}{first}{digits[3:5]}{second}{digits[5:]} ok", field="text")


@given(
    digits=DIGITS,
    cut=st.integers(1, 8),
    separator=st.text(st.characters(categories=["Cf"]), min_size=1, max_size=5),
)
def test_no_invisible_character_hides_a_number(digits: str, cut: int, separator: str) -> None:
    with pytest.raises(LooksSensitive):
        refuse_private_numbers(f"{digits[:cut]}{separator}{digits[cut:]}", field="text")


@given(separators=st.lists(SEPARATORS, min_size=3, max_size=3))
def test_no_separators_let_a_card_through(separators: list[str]) -> None:
    one, two, three = separators
    with pytest.raises(LooksSensitive):
        refuse_private_numbers(f"card 4111{one}1111{two}1111{three}1111", field="text")


@given(cue=st.sampled_from(["SSN", "ssn:", "Social Security no.", "FEIN", "tax ID #", "TIN is"]), digits=DIGITS)
def test_nine_digits_beside_a_cue_are_a_number(cue: str, digits: str) -> None:
    with pytest.raises(LooksSensitive):
        refuse_private_numbers(f"{cue} {digits}", field="text")


@given(st.dates(), st.integers(200, 999), st.integers(1_000, 9_999))
def test_dates_and_telephone_numbers_pass(day: date, prefix: int, line: int) -> None:
    text = f"Call {prefix}-555-{line} or ({prefix}) 555-{line} on {day:%m/%d/%Y} or {day} at 9:30"

    refuse_private_numbers(text, field="text")
