"""What a process knows of all flags: from memory for a moment, checked against a token in Redis, loaded from the
database when the token changed.

A change is seen by every process within ``FRESH_SECONDS`` and one read. Without Redis each process asks the database
instead, no more often (docs/adr/0027). Knows no models.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Final

from django.core.cache import cache

from tenants.flag_rules import FlagState

#: How long a process uses what it knows without asking Redis.
FRESH_SECONDS: Final = 0.25
#: How long it trusts the token: should a change not reach Redis, the database is asked after this time.
TRUSTED_SECONDS: Final = 10.0
TOKEN_KEY: Final = "flags:token"  # noqa: S105 - a key of the cache, no secret


class FlagMemory:
    """The flags of one process. ``read`` loads them; ``clock`` is in seconds."""

    def __init__(
        self, read: Callable[[], dict[str, FlagState]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Know nothing yet."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[str, FlagState] = {}
        self._token: str | None = None
        self.forget()

    def find(self, name: str) -> FlagState | None:
        """Return the flag ``name`` as of the last quarter of a second, None for one that is not stored."""
        with self._lock:
            now = self._clock()
            if now - self._checked_at >= FRESH_SECONDS:
                self._refresh(now)
            return self._states.get(name)

    def forget(self) -> None:
        """Ask again at the next call."""
        self._checked_at = self._loaded_at = float("-inf")

    def _refresh(self, now: float) -> None:
        # First the token, then the rows: a change between the two is loaded once more, and never missed.
        token = _token()
        is_trusted = token is not None and token == self._token and now - self._loaded_at < TRUSTED_SECONDS
        if not is_trusted:
            self._states, self._token, self._loaded_at = self._read(), token, now
        self._checked_at = now


def announce_change() -> None:
    """Make all processes load the flags again. Call it after the commit of a change."""
    cache.set(TOKEN_KEY, str(uuid.uuid4()), timeout=None)


def _token() -> str | None:
    """Return the token of the flags' present state, None while Redis is away."""
    token: str | None = cache.get(TOKEN_KEY)
    if token is None and cache.add(TOKEN_KEY, str(uuid.uuid4()), timeout=None):
        token = cache.get(TOKEN_KEY)
    return token
