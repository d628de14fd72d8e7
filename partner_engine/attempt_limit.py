"""A limit on attempts at a secret: five in a quarter of an hour, per name and address, exact under concurrency.

An attempt is counted before it is made, or many at once would get more than the five; a right one resets the count.
While Redis is away nothing is counted, and the length of the secrets is the only protection.
"""

from __future__ import annotations

import hashlib
import time
from functools import cache
from math import ceil
from typing import Final

import structlog
from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from redis_locks.outage import RedisLeftAlone, outage

TRIES: Final = 5
MINUTES: Final = 15
#: While the first counted attempt is younger, the right secret may be among those in progress: retry soon.
_UNDER_WAY_SECONDS: Final = 5

log = structlog.get_logger(__name__)


class AttemptLimit:
    """The attempts at one ``kind`` of secret."""

    def __init__(self, kind: str, *, tries: int = TRIES, minutes: int = MINUTES) -> None:
        """Take the limit: ``tries`` within ``minutes``."""
        self._kind = kind
        self._item = RateLimitItemPerMinute(tries, minutes)

    def take(self, name: str, address: str) -> int:
        """Count an attempt; return 0 if it may be made, else the seconds to wait."""
        try:
            limiter = _limiter()
            key = self._key(name, address)
            if limiter.hit(self._item, *key):
                outage.answered()
                return 0
            # The time at which the oldest attempt expires, in seconds of the epoch.
            left = limiter.get_window_stats(self._item, *key).reset_time - time.time()
        except RedisError as error:
            outage.failed_with(error)
            log.warning("guesses_not_counted", kind=self._kind, reason=type(error).__name__)
            return 0
        is_under_way = self._item.get_expiry() - left < _UNDER_WAY_SECONDS
        return 1 if is_under_way else max(1, ceil(left))

    def clear(self, name: str, address: str) -> None:
        """Reset the count: the secret was right."""
        try:
            _limiter().clear(self._item, *self._key(name, address))
        except RedisError as error:
            outage.failed_with(error)

    def _key(self, name: str, address: str) -> tuple[str, str]:
        # Both come from outside, of any length and with any characters.
        return self._kind, hashlib.sha256(f"{address}\n{name}".encode(errors="replace")).hexdigest()


def _limiter() -> MovingWindowRateLimiter:
    if not outage.may_ask():
        raise RedisLeftAlone
    return MovingWindowRateLimiter(_storage(settings.REDIS_URL, f"{settings.CACHES['default']['KEY_PREFIX']}.guesses"))


@cache
def _storage(address: str, prefix: str) -> RedisStorage:
    return RedisStorage(address, key_prefix=prefix, socket_connect_timeout=1, socket_timeout=2)
