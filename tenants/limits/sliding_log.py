"""The rule of all rate limits: at most ``limit`` in any window, from a log of counts. Pure.

The script in Redis (``tenants.limits.counts``) follows the same rule; a process uses this one while Redis is away. A
log has few entries: uses within a 64th of the window share one, which expires with its latest use. So a window never
holds more than the limit, and a use counts at most a 64th of the window too long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

#: The most entries of a log: uses within a window divided by this share one.
SLOTS: Final = 64


class Count(NamedTuple):
    """A count to check: its ``key``, the ``amount`` to add, the ``limit``, and the ``window`` in milliseconds."""

    key: str
    amount: int
    limit: int
    window: int


@dataclass(slots=True)
class SlidingLog:
    """The uses of one key: pairs of the time of the latest use (ms) and their number, oldest first."""

    entries: deque[tuple[int, int]] = field(default_factory=deque)
    total: int = 0

    def expire(self, now: int, window: int) -> None:
        """Remove the entries that are ``window`` ms old at ``now``."""
        while self.entries and self.entries[0][0] <= now - window:
            self.total -= self.entries.popleft()[1]

    def wait_for(self, count: Count, now: int) -> int:
        """Return after how many ms ``count`` fits, 0 if it fits now. Its amount is within its limit."""
        excess = self.total + count.amount - count.limit
        if excess <= 0:
            return 0
        for at, number in self.entries:
            excess -= number
            if excess <= 0:
                return at + count.window - now
        return count.window

    def add(self, count: Count, now: int) -> None:
        """Add the use."""
        slot = max(count.window // SLOTS, 1)
        amount = count.amount
        if self.entries and self.entries[-1][0] // slot == now // slot:
            amount += self.entries.pop()[1]
        self.entries.append((now, amount))
        self.total += count.amount

    def remove(self, amount: int) -> None:
        """Remove the latest ``amount`` uses, or all if there are fewer."""
        while amount > 0 and self.entries:
            at, number = self.entries.pop()
            removed = min(number, amount)
            amount -= removed
            self.total -= removed
            if number > removed:
                self.entries.append((at, number - removed))


def take_all(logs: Sequence[SlidingLog], counts: Sequence[Count], now: int) -> list[int]:
    """Add all ``counts`` to their ``logs``, or none if one does not fit.

    Returns for each what remains; where one does not fit, the negative wait in ms for those that do not.
    """
    results = []
    for log, count in zip(logs, counts, strict=True):
        log.expire(now, count.window)
        wait = log.wait_for(count, now)
        results.append(-wait if wait else count.limit - log.total - count.amount)
    if min(results) >= 0:
        for log, count in zip(logs, counts, strict=True):
            log.add(count, now)
    return results
