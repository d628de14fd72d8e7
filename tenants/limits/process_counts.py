"""The counts of one process, for the time without Redis: bounded, so that many callers cannot fill its memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from tenants.limits.sliding_log import Count, SlidingLog, take_all

#: The most keys; beyond them the one that was used longest ago is forgotten.
MOST_KEYS: Final = 10_000


class ProcessCounts:
    """Counts in memory, by the same rule as in Redis."""

    def __init__(self, *, most: int = MOST_KEYS) -> None:
        """Hold at most ``most`` keys."""
        self._most = most
        self._lock = threading.Lock()
        self._logs: OrderedDict[str, SlidingLog] = OrderedDict()

    def __len__(self) -> int:
        return len(self._logs)

    def take(self, counts: Sequence[Count], *, now: int | None = None) -> list[int]:
        """Add all ``counts`` or none; return for each what remains, or the negative wait in ms."""
        with self._lock:
            logs = [self._log(count.key) for count in counts]
            results = take_all(logs, counts, time.monotonic_ns() // 1_000_000 if now is None else now)
            while len(self._logs) > self._most:
                self._logs.popitem(last=False)
            return results

    def give_back(self, counts: Sequence[Count]) -> None:
        """Remove the latest uses of each of ``counts``, as many as its amount."""
        with self._lock:
            for count in counts:
                if count.key in self._logs:
                    self._logs[count.key].remove(count.amount)

    def clear(self, keys: Sequence[str]) -> None:
        """Reset the counts with these keys."""
        with self._lock:
            for key in keys:
                self._logs.pop(key, None)

    def _log(self, key: str) -> SlidingLog:
        log = self._logs.setdefault(key, SlidingLog())
        self._logs.move_to_end(key)
        return log
