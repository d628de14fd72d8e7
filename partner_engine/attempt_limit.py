"""The rate limit of secrets: by default five attempts in 15 minutes per name and address, exact under concurrency.

An attempt is counted before it is checked, so that concurrent attempts cannot exceed the limit; a correct secret resets
the count. Without Redis attempts are not counted.
"""

from __future__ import annotations

import hashlib
import time
from functools import cache
from math import ceil
from typing import Final

import structlog
from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from redis_locks.outage import RedisLeftAlone, outage
from tenants.limits.addresses import counted_address
from tenants.limits.scopes import GUESSES, SCOPES
from tenants.models import RateLimit

#: While the oldest counted attempt is younger, a concurrent one may be correct and reset the count: retry soon.
_CONCURRENT_SECONDS: Final = 5

log = structlog.get_logger(__name__)


class AttemptLimit:
    """The limit of attempts for one ``kind`` of secret."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def take(self, name: str, address: str) -> int:
        """Count an attempt; return 0 if it is allowed, else the seconds until the next one."""
        try:
            item, limiter = _item(), _limiter()
            key = self._key(name, address)
            if limiter.hit(item, *key):
                outage.answered()
                return 0
            # ``reset_time`` is when the oldest attempt expires, in seconds of the epoch.
            left = limiter.get_window_stats(item, *key).reset_time - time.time()
        except RedisError as error:
            outage.failed_with(error)
            log.warning("attempts_not_counted", kind=self._kind, reason=type(error).__name__)
            return 0
        may_be_reset = item.get_expiry() - left < _CONCURRENT_SECONDS
        return 1 if may_be_reset else max(1, ceil(left))

    def clear(self, name: str, address: str) -> None:
        """Reset the count after a correct secret."""
        try:
            _limiter().clear(_item(), *self._key(name, address))
        except RedisError as error:
            outage.failed_with(error)

    def _key(self, name: str, address: str) -> tuple[str, str]:
        # Both are sent by clients, with any length and characters.
        return self._kind, hashlib.sha256(f"{counted_address(address)}\n{name}".encode(errors="replace")).hexdigest()


def _item() -> RateLimitItemPerSecond:
    """Return the limit as staff set it; secrets are never without one."""
    limit = RateLimit.memory.known().find(GUESSES, tenant_id=None, client_id="") or SCOPES[GUESSES].default
    return RateLimitItemPerSecond(limit.amount, limit.window)


def _limiter() -> MovingWindowRateLimiter:
    if not outage.may_ask():
        raise RedisLeftAlone
    return MovingWindowRateLimiter(_storage(settings.REDIS_URL, f"{settings.CACHES['default']['KEY_PREFIX']}.guesses"))


@cache
def _storage(address: str, prefix: str) -> RedisStorage:
    return RedisStorage(address, key_prefix=prefix, socket_connect_timeout=1, socket_timeout=2)
