"""When a delivery is retried, and when an endpoint is disabled. Pure.

The delays follow the Standard Webhooks specification: at once, then 5 s ... 24 h later, ten attempts in about 75.5
hours.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from uuid import UUID

_MINUTE: Final = 60
_HOUR: Final = 3_600
#: Seconds before each attempt.
DELAYS: Final = (
    0, 5, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
#: The largest share of a delay that is added as jitter, so that deliveries that failed together are not retried
#: together.
JITTER: Final = 0.1
#: The longest delay that an endpoint can request with ``Retry-After``.
MOST_REQUESTED: Final = 24 * _HOUR
#: An endpoint that only failed for this long is disabled.
GIVEN_UP_AFTER: Final = timedelta(hours=120)
#: Failures further apart than this are separate: no attempt was made in between.
ONE_FAILURE: Final = timedelta(hours=48)
#: Failures in a row after which an endpoint is paused; then one delivery serves as a probe.
FAILURES_TO_PAUSE: Final = 5
PAUSE: Final = timedelta(seconds=30)


def next_attempt(delivery: UUID, *, attempts: int, now: datetime, requested: float | None = None) -> datetime | None:
    """Return the time of the next attempt after ``attempts`` failed ones, or None after the last.

    ``requested`` are the seconds that the endpoint requested: it is never retried earlier.
    """
    if attempts >= len(DELAYS):
        return None
    delay = DELAYS[attempts] * (1 + JITTER * _share(delivery, attempts))
    return now + timedelta(seconds=max(delay, min(requested or 0.0, MOST_REQUESTED)))


def failing_since(since: datetime | None, *, last: datetime | None, now: datetime) -> datetime:
    """Return since when the endpoint has been failing: from ``since`` on, if its ``last`` failure is recent."""
    return since if since is not None and last is not None and now - last <= ONE_FAILURE else now


def requested_seconds(retry_after: str, *, now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` requests (seconds or an HTTP date), or None if it is invalid."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        # The second exception is for a time zone out of range: outside input can be anything.
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - now).total_seconds())


def _share(delivery: UUID, attempts: int) -> float:
    """Return a number from 0 to 1, stable for each delivery and attempt."""
    digest = hashlib.sha256(delivery.bytes + attempts.to_bytes(2, "big")).digest()
    return float(int.from_bytes(digest[:6], "big")) / float(2**48)
