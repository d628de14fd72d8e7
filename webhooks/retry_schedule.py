"""When a delivery is tried again, and when an endpoint is given up. Pure.

The delays are those of the Standard Webhooks specification: at once, then 5 s ... 24 h later, ten attempts in about
75 hours and a half.
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
#: Up to this share of a delay is added, so that what failed together does not come back together.
JITTER: Final = 0.1
#: What an endpoint may ask for with ``Retry-After``, at most.
MOST_ASKED: Final = 24 * _HOUR
#: An endpoint at which nothing but failures happened for this long is disabled.
GIVEN_UP_AFTER: Final = timedelta(hours=120)
#: Failures further apart than this are not one failure: nothing was tried in between.
ONE_FAILURE: Final = timedelta(hours=48)
#: After so many failures in a row nothing is sent to an endpoint for a while; then one delivery tries it out.
FAILURES_TO_PAUSE: Final = 5
PAUSE: Final = timedelta(seconds=30)


def next_attempt(delivery: UUID, *, attempts: int, now: datetime, asked: float | None = None) -> datetime | None:
    """Return when to try again after ``attempts`` failed ones, None when that was the last.

    ``asked`` are the seconds that the endpoint asked for: it is never tried earlier.
    """
    if attempts >= len(DELAYS):
        return None
    delay = DELAYS[attempts] * (1 + JITTER * _share(delivery, attempts))
    return now + timedelta(seconds=max(delay, min(asked or 0.0, MOST_ASKED)))


def failing_since(since: datetime | None, *, last: datetime | None, now: datetime) -> datetime:
    """Return since when an endpoint fails that failed ``now``: from ``since`` on, if its ``last`` failure is near."""
    return since if since is not None and last is not None and now - last <= ONE_FAILURE else now


def seconds_asked(retry_after: str, *, now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` asks for (seconds or an HTTP date), None for what is neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        # The second is for a zone that no clock reaches: what comes from outside may be anything.
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - now).total_seconds())


def _share(delivery: UUID, attempts: int) -> float:
    """Return a number from 0 to 1 that is the same each time it is asked for, and another for each delivery."""
    digest = hashlib.sha256(delivery.bytes + attempts.to_bytes(2, "big")).digest()
    return float(int.from_bytes(digest[:6], "big")) / float(2**48)
