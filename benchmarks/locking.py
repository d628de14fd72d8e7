"""Measures the copy lock: alone against bare round trips to Redis, and its passing on against redis-py's own lock.

Rounds of both sides are interleaved, so that other work of the machine affects both equally.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol
from uuid import uuid4

from django_redis import get_redis_connection
from redis import Redis
from redis.lock import Lock

from benchmarks.figures import Figure, figure
from redis_locks.fair_lock import TTL_SECONDS, FairLock, lock_name
from redis_locks.lock_holder import holder_here

#: How many times a round repeats the uncontended pair of calls.
PAIRS: Final = 200
#: How many threads pass the lock around in a contended round, how often each takes it, and how long it holds it.
CONTENDERS: Final = 4
TURNS: Final = 5
HOLD_SECONDS: Final = 0.005
MOST_UNCONTENDED: Final = 1.5
LEAST_FASTER: Final = 3.0
MOST_HAND_OVER_MS: Final = 15.0

_HOLDER: Final = holder_here(who="benchmark", entry_point="job")


class Passed(Protocol):
    """A lock that can be passed around."""

    def take(self) -> None:
        """Wait for the lock."""

    def release(self) -> None:
        """Free it."""


def measure(rounds: int) -> list[Figure]:
    """Return the figures of ``rounds`` rounds.

    Times are medians of a round, in microseconds (lock and bare round trips) or milliseconds (passing on).
    """
    client: Redis = get_redis_connection("default")
    alone, bare, fair, polled = [], [], [], []
    _pairs(client)
    for _ in range(rounds):
        locked, trips = _pairs(client)
        alone.append(locked)
        bare.append(trips)
        fair.append(_hand_over(lambda name: _Fair(client, name)))
        polled.append(_hand_over(lambda name: _Polled(client, name)))
    ratios = [lock / trips for lock, trips in zip(alone, bare, strict=True)]
    gains = [slow / quick for slow, quick in zip(polled, fair, strict=True)]
    return [
        figure("lock and unlock, nobody in the way", "us", alone),
        figure("two bare round trips to Redis", "us", bare),
        figure("lock and unlock / two bare round trips", "x", ratios, goal=f"<= {MOST_UNCONTENDED:g}"),
        figure("hand-over p50, fair lock", "ms", fair, goal=f"<= {MOST_HAND_OVER_MS:g}"),
        figure("hand-over p50, redis-py's lock as it comes", "ms", polled),
        figure("hand-over, redis-py's lock / fair lock", "x", gains, goal=f">= {LEAST_FASTER:g}"),
    ]


def _pairs(client: Redis) -> tuple[float, float]:
    """Return the median times, in microseconds, of one lock and unlock, and of a SET and a DEL of as much data.

    They take turns, call by call: a round trip costs several times as much on a processor that just woke up.
    """
    name, value = lock_name("copy", "benchmark", "bare"), "0" * 120

    def lock_and_unlock() -> None:
        lock = FairLock(client, lock_name("copy", "benchmark", "alone"), holder=_HOLDER)
        lock.take(wait=30)
        lock.release()

    def set_and_delete() -> None:
        client.set(name, value, px=10_000)
        client.delete(name)

    locked, bare = [], []
    for _ in range(PAIRS):
        locked.append(_microseconds(lock_and_unlock))
        bare.append(_microseconds(set_and_delete))
    return statistics.median(locked), statistics.median(bare)


def _microseconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000_000


class _Fair:
    def __init__(self, client: Redis, name: str) -> None:
        self._lock = FairLock(client, name, holder=_HOLDER)

    def take(self) -> None:
        """Wait for the lock."""
        assert self._lock.take(wait=60)

    def release(self) -> None:
        """Free it."""
        self._lock.release()


class _Polled:
    def __init__(self, client: Redis, name: str) -> None:
        self._lock = Lock(client, name, timeout=TTL_SECONDS)

    def take(self) -> None:
        """Wait for the lock."""
        assert self._lock.acquire(blocking_timeout=60)

    def release(self) -> None:
        """Free it."""
        self._lock.release()


def _hand_over(make: Callable[[str], Passed]) -> float:
    """Let threads pass one lock around; return the median time from one's release to the next one's hold, in ms.

    Only releases with a waiter count.
    """
    name = lock_name("copy", "benchmark", uuid4())
    events: list[tuple[float, float]] = []
    waiting_since: list[float] = []
    barrier = threading.Barrier(CONTENDERS)

    def contend() -> None:
        barrier.wait()
        for _ in range(TURNS):
            lock = make(name)
            asked = time.perf_counter()
            lock.take()
            got = time.perf_counter()
            time.sleep(HOLD_SECONDS)
            waiting_since.append(asked)
            # Recorded before the release: the next holder may be quicker than this thread's next line.
            events.append((got, time.perf_counter()))
            lock.release()

    threads = [threading.Thread(target=contend) for _ in range(CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gaps = [
        (got - freed) * 1_000
        for (_, freed), (got, _), asked in zip(events, events[1:], waiting_since[1:], strict=False)
        if asked < freed
    ]
    return statistics.median(gaps)
