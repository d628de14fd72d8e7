"""Personal numbers that are refused in unprotected texts, and texts that pass."""

from __future__ import annotations

from uuid import UUID

import pytest

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
