"""When a delivery is tried again, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from webhooks.retry_schedule import DELAYS, JITTER, failing_since, next_attempt, requested_seconds

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ONE = UUID(int=1)


def test_the_schedule_is_that_of_the_specification() -> None:
    assert DELAYS[:4] == (0, 5, 300, 1_800)
    assert str(timedelta(seconds=sum(DELAYS))) == "3 days, 3:35:05"


@pytest.mark.parametrize("attempts", range(1, 10))
def test_each_delay_has_some_jitter_on_top(attempts: int) -> None:
    delays = {
        (next_attempt(UUID(int=number), attempts=attempts, now=NOW) - NOW).total_seconds()  # type: ignore[operator]
        for number in range(200)
    }

    assert DELAYS[attempts] <= min(delays) and max(delays) <= DELAYS[attempts] * (1 + JITTER)
    assert max(delays) - min(delays) > DELAYS[attempts] * JITTER * 0.9
    assert len(delays) > 190


def test_the_tenth_failure_is_the_last() -> None:
    assert next_attempt(ONE, attempts=10, now=NOW) is None


@pytest.mark.parametrize(("asked", "waits"), [(60.0, 60), (1.0, 5), (10**9, 86_400)])
def test_what_is_asked_for_is_waited_for_but_never_less_than_the_schedule(asked: float, waits: float) -> None:
    found = next_attempt(ONE, attempts=1, now=NOW, requested=asked)

    assert found is not None
    assert waits <= (found - NOW).total_seconds() <= waits * 1.1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 25 Nov 2026 12:01:00 GMT", 60.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("\u0664", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert requested_seconds(text, now=NOW) == seconds


def test_failures_far_apart_are_not_one_failure() -> None:
    start = NOW - timedelta(hours=100)

    assert failing_since(None, last=None, now=NOW) == NOW
    assert failing_since(start, last=NOW - timedelta(hours=25), now=NOW) == start
    assert failing_since(start, last=NOW - timedelta(hours=49), now=NOW) == NOW
