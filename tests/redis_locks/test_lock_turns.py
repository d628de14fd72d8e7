"""Fair locks are taken in order of arrival, dead waiters are skipped, and none starves; each test has its sabotage."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.lock import Lock

from redis_locks import fair_lock
from redis_locks.fair_lock import FairLock, keys_of, pause
from tests.harness.lock_fixtures import ROBIN
from tests.harness.tiers import PATIENCE, until

MakeLock = Callable[..., FairLock]
Sabotage = Callable[[str, str], None]

IN_TURN = "if not current and (not first or first == ARGV[1]) then"
WHENEVER_FREE = "if not current then"
#: The part of the script that drops waiters that no longer poll.
DROPPED = "redis.call('zrangebyscore', KEYS[3], '-inf', now - ARGV[4])"
#: The part that reads the first of the queue after the drop.
NEWEST_FIRST = (
    "    first = redis.call('zrange', KEYS[2], 0, 0)[1]\n",
    "    first = redis.call('zrange', KEYS[2], -1, -1)[1]\n",
)


def waiting(redis: Redis, name: str) -> int:
    return redis.zcard(keys_of(name)[1])


def order_of_turns(
    redis: Redis, name: str, takers: Sequence[Callable[[], Callable[[], None]]], *, has_queue: bool = True
) -> list[int]:
    """Let ``takers`` come one after the other while the lock is held, then free it; return the order of their turns.

    A taker takes the lock and returns what frees it. Each comes when the one before is in the queue, or, without a
    queue, had the time to.
    """
    first = FairLock(redis, name, holder=ROBIN)
    assert first.take(wait=0)
    turns: list[int] = []
    started = threading.Semaphore(0)

    def contend(number: int) -> None:
        started.release()
        free = takers[number]()
        turns.append(number)
        free()

    with ThreadPoolExecutor(len(takers)) as pool:
        for number in range(len(takers)):
            pool.submit(contend, number)
            started.acquire()
            if has_queue:
                until(lambda wanted=number + 1: waiting(redis, name) == wanted)
            else:
                time.sleep(0.01)
        first.release()
    return turns


def fair_takers(make_lock: MakeLock, count: int) -> list[Callable[[], Callable[[], None]]]:
    def take() -> Callable[[], None]:
        lock = make_lock()
        assert lock.take(wait=PATIENCE)
        return lock.release

    return [take] * count


def test_twenty_waiters_are_served_in_order(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine must not look like a dead waiter.
    monkeypatch.setattr(fair_lock, "PATIENCE_MS", 60_000)

    assert order_of_turns(redis, name, fair_takers(make_lock, 20)) == list(range(20))


def test_without_a_queue_the_order_differs(redis: Redis, name: str, make_lock: MakeLock, sabotage: Sabotage) -> None:
    sabotage(IN_TURN, WHENEVER_FREE)

    turns = order_of_turns(redis, name, fair_takers(make_lock, 20))

    assert turns != list(range(20))
    assert sorted(turns) == list(range(20))


def test_the_order_of_a_polling_lock_differs_too(redis: Redis, name: str) -> None:
    def take() -> Callable[[], None]:
        lock = Lock(redis, name, timeout=60, sleep=0.01, thread_local=False)
        assert lock.acquire(blocking_timeout=PATIENCE)
        return lock.release

    turns = order_of_turns(redis, name, [take] * 12, has_queue=False)

    assert turns != list(range(12))


def newcomer_overtakes(make_lock: MakeLock) -> bool:
    first, waiter = make_lock(), make_lock()
    first.take(wait=0)
    assert waiter._try(joins=True) == 1
    first.release()
    # Free, but a waiter sleeps between two polls.
    overtakes = make_lock().take(wait=0)
    assert waiter._try(joins=True) == (1 if overtakes else 0)
    return overtakes


def test_a_newcomer_never_overtakes_a_waiter(make_lock: MakeLock) -> None:
    assert not newcomer_overtakes(make_lock)


def test_without_turns_a_newcomer_would_overtake(make_lock: MakeLock, sabotage: Sabotage) -> None:
    sabotage(IN_TURN, WHENEVER_FREE)

    assert newcomer_overtakes(make_lock)


def gets_past_a_dead_waiter(make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch, *, wait: float) -> bool:
    first, dead, alive = make_lock(), make_lock(), make_lock()
    # Until both are in the queue, a busy machine must not look like a dead waiter.
    with monkeypatch.context() as patch:
        patch.setattr(fair_lock, "PATIENCE_MS", 60_000)
        first.take(wait=0)
        assert dead._try(joins=True) == 1
        assert alive._try(joins=True) == 2
    monkeypatch.setattr(fair_lock, "PATIENCE_MS", 300)
    first.release()
    return alive.take(wait=wait)


def test_a_dead_waiter_is_dropped(make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gets_past_a_dead_waiter(make_lock, monkeypatch, wait=PATIENCE)


def test_a_dead_waiter_would_block_if_it_were_not_dropped(
    make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch, sabotage: Sabotage
) -> None:
    sabotage(DROPPED, "{}")

    assert not gets_past_a_dead_waiter(make_lock, monkeypatch, wait=1)


def test_a_paused_waiter_keeps_its_place_without_newcomers(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_lock, "PATIENCE_MS", 100)
    first, slow = make_lock(), make_lock()
    first.take(wait=0)
    slow._try(joins=True)

    time.sleep(0.13)

    assert slow._try(joins=True) == 1
    assert waiting(redis, name) == 1


def test_a_queue_of_dead_waiters_expires(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_lock, "PATIENCE_MS", 50)
    make_lock().take(wait=0)
    make_lock()._try(joins=True)

    until(lambda: redis.exists(*keys_of(name)[1:]) == 0)


def test_waiters_further_back_poll_more_slowly_and_with_jitter() -> None:
    for place, least, most in ((1, 0.005, 0.01), (2, 0.0075, 0.015), (20, 0.05, 0.1), (500, 0.05, 0.1)):
        pauses = {pause(place) for _ in range(200)}

        assert least - 1e-9 <= min(pauses) < max(pauses) <= most
        assert len(pauses) > 50


def longest_against_median(make_lock: MakeLock, *, threads: int, turns: int) -> float:
    waits: list[float] = []
    barrier = threading.Barrier(threads)

    def contend(_: int) -> None:
        barrier.wait()
        for _ in range(turns):
            lock, started = make_lock(), time.monotonic()
            assert lock.take(wait=120)
            waits.append(time.monotonic() - started)
            time.sleep(0.001)
            lock.release()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(contend, range(threads)))
    assert len(waits) == threads * turns
    return max(waits) / statistics.median(waits)


@pytest.mark.slow
@pytest.mark.alone
def test_nobody_starves_among_fifty(make_lock: MakeLock) -> None:
    assert longest_against_median(make_lock, threads=50, turns=6) <= 10


@pytest.mark.slow
@pytest.mark.alone
def test_with_the_newest_served_first_some_would_starve(make_lock: MakeLock, sabotage: Sabotage) -> None:
    sabotage(*NEWEST_FIRST)

    assert longest_against_median(make_lock, threads=50, turns=3) > 10
