"""The origins of browser programs, as one process knows them: read from the database at most every few seconds.

Preflight requests have no caller to count, so they must cost nothing. A change is seen by every process within
``FRESH_SECONDS``; while the database is away, the last known origins hold. Knows no models.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from django.db import Error as DatabaseError

#: How long a process uses what it knows.
FRESH_SECONDS: Final = 3.0

log = structlog.get_logger(__name__)


class KnownOrigins:
    """The origins that one process knows. ``read`` loads them; ``clock`` is in seconds."""

    def __init__(self, read: Callable[[], frozenset[str]], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know none until the first call."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self.forget()

    def known(self) -> frozenset[str]:
        """Return the origins as of the last seconds. One thread reads them; the others use the former ones, and wait
        only for the first.
        """
        if self._clock() - self._read_at >= FRESH_SECONDS and self._lock.acquire(blocking=self._is_empty):
            try:
                # Another thread may have read them during the wait.
                if self._clock() - self._read_at >= FRESH_SECONDS:
                    self._refresh()
            finally:
                self._lock.release()
        return self._known

    def forget(self) -> None:
        """Read again at the next call."""
        self._known: frozenset[str] = frozenset()
        self._is_empty = True
        self._read_at = float("-inf")

    def _refresh(self) -> None:
        try:
            self._known = self._read()
        except DatabaseError as error:
            log.warning("origins_not_read", reason=type(error).__name__)
        self._read_at, self._is_empty = self._clock(), False
