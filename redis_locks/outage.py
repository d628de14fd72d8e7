"""Remembers for a moment that Redis failed, so that a hanging Redis is not waited for again and again.

Per process and for any threads. During the pause no thread calls Redis; after it one thread tries, and the others
follow once it succeeded or another pause has passed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

#: Seconds without calls after a failure.
PAUSE_SECONDS: Final = 1.0


class RedisLeftAlone(RedisError):
    """Redis failed a moment ago and is not called now."""


class RedisOutage:
    """The state of Redis as seen by this process."""

    def __init__(self, *, pause: float = PAUSE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a working Redis; after a failure it is not called for ``pause`` seconds of ``clock``."""
        self._pause = pause
        self._clock = clock
        self._guard = threading.Lock()
        self._until: float | None = None

    def may_ask(self) -> bool:
        """Return whether to call Redis now; after a pause only one of many callers may."""
        if self._until is None:
            return True
        with self._guard:
            now = self._clock()
            if self._until is not None and now < self._until:
                return False
            self._until = now + self._pause
            return True

    def client_or_raise(self, client: Redis) -> Redis:
        """Return ``client`` if Redis may be called; after a failure, ping it first.

        Raises ``RedisLeftAlone``, or ``RedisError`` if the ping fails; call ``failed_with`` then.
        """
        if not self.may_ask():
            raise RedisLeftAlone
        if self._until is not None:
            # Otherwise the others would continue without it for as long as this one waits for its lock.
            client.ping()
            self.answered()
        return client

    def failed_with(self, error: RedisError) -> None:
        """Record a failure of Redis, unless ``error`` says that it was not called."""
        if not isinstance(error, RedisLeftAlone):
            self.failed()

    def failed(self) -> None:
        """Record that Redis refused or did not respond."""
        with self._guard:
            self._until = self._clock() + self._pause

    def answered(self) -> None:
        """Record that Redis responded."""
        if self._until is not None:
            with self._guard:
                self._until = None


#: The state of this process, shared by all its locks.
outage: Final = RedisOutage()
