"""Remembers for a moment that Redis failed, so that a Redis which hangs is not waited for again and again.

Per process and for any threads. Within the pause nobody asks; after it one does, and the others once that one succeeded
or another pause is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

#: How long Redis is left alone after a failure, in seconds.
PAUSE_SECONDS: Final = 1.0


class RedisLeftAlone(RedisError):
    """Redis failed a moment ago and is not asked now."""


class RedisOutage:
    """Whether Redis is worth asking now."""

    def __init__(self, *, pause: float = PAUSE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a Redis that is well; after a failure it is left alone for ``pause`` seconds of ``clock``."""
        self._pause = pause
        self._clock = clock
        self._guard = threading.Lock()
        self._until: float | None = None

    def may_ask(self) -> bool:
        """Tell whether to ask Redis now; of many that want to after a pause, one may."""
        if self._until is None:
            return True
        with self._guard:
            now = self._clock()
            if self._until is not None and now < self._until:
                return False
            self._until = now + self._pause
            return True

    def client_or_raise(self, client: Redis) -> Redis:
        """Return ``client`` if it is worth asking; after a failure ask it for a sign of life first.

        Raises ``RedisLeftAlone``, or ``RedisError`` when it gives none; call ``failed_with`` then.
        """
        if not self.may_ask():
            raise RedisLeftAlone
        if self._until is not None:
            # Or the others would go on without it for as long as this one waits for its lock.
            client.ping()
            self.answered()
        return client

    def failed_with(self, error: RedisError) -> None:
        """Note that Redis failed, unless ``error`` is that it was not asked."""
        if not isinstance(error, RedisLeftAlone):
            self.failed()

    def failed(self) -> None:
        """Note that Redis refused or did not answer."""
        with self._guard:
            self._until = self._clock() + self._pause

    def answered(self) -> None:
        """Note that Redis answered."""
        if self._until is not None:
            with self._guard:
                self._until = None


#: Of this process, for all its locks.
outage: Final = RedisOutage()
