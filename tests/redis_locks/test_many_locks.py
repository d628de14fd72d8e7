"""Many locks at once: one round trip for all, free locks are taken, and two chunks never block each other forever."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from redis_locks import many_locks
from redis_locks.fair_lock import FairLock, keys_of
from redis_locks.many_locks import ManyLocks, lock_many
from tests.harness.lock_fixtures import KIM, ROBIN
from tests.harness.tiers import PATIENCE, until, within

Names = list[str]


@pytest.fixture
def names(make_name: Callable[[], str]) -> Names:
    """Return the names of ten locks, in their order."""
    return sorted(make_name() for _ in range(10))


def held_keys(redis: Redis, names: Names) -> set[str]:
    return {name for name in names if redis.exists(name)}


def test_one_round_trip_each_takes_extends_and_frees_all(
    counted: tuple[Redis, Callable[[], int]], names: Names
) -> None:
    client, count = counted
    with lock_many(client, names, holder=ROBIN, wait=0) as first:
        first.extend()  # the scripts are known from here on
    locks = ManyLocks(client, names, holder=ROBIN)
    count()

    locks.take(wait=0)
    assert (count(), locks.held, locks.missed) == (1, frozenset(names), {})

    assert locks.extend() == frozenset()
    assert count() == 1

    assert locks.release() == frozenset()
    assert count() == 1
    assert held_keys(client, names) == set()


@pytest.mark.usefixtures("unknown_scripts")
def test_a_server_without_the_scripts_gets_them(redis: Redis, names: Names) -> None:
    with lock_many(redis, names, holder=ROBIN, wait=0) as locks:
        assert locks.held == frozenset(names)
        assert locks.extend() == frozenset()

    assert held_keys(redis, names) == set()


def test_locks_of_others_are_returned_and_the_rest_taken(redis: Redis, names: Names) -> None:
    other = FairLock(redis, names[3], holder=KIM)
    other.take(wait=0)

    with lock_many(redis, names, holder=ROBIN, wait=0.1) as locks:
        assert locks.held == frozenset(names) - {names[3]}
        assert [(name, holder.who) for name, holder in locks.missed.items() if holder] == [(names[3], KIM.who)]

    assert held_keys(redis, names) == {names[3]}
    assert redis.exists(*keys_of(names[3])[1:]) == 0
    other.release()


def test_the_rest_is_waited_for_in_turn(redis: Redis, names: Names) -> None:
    other = FairLock(redis, names[3], holder=KIM)
    other.take(wait=0)

    with ThreadPoolExecutor(1) as pool:
        chunk = ManyLocks(redis, names, holder=ROBIN)
        taking = pool.submit(chunk.take, wait=PATIENCE)
        while not redis.zcard(keys_of(names[3])[1]):
            time.sleep(0.001)
        newcomer = FairLock(redis, names[3], holder=KIM)
        other.release()
        overtook = newcomer.take(wait=0)
        taking.result()

    assert not overtook
    assert chunk.held == frozenset(names)
    chunk.release()


def test_held_locks_do_not_expire_while_others_are_waited_for(redis: Redis, names: Names) -> None:
    other = FairLock(redis, names[-1], holder=KIM, ttl=PATIENCE)
    other.take(wait=0)
    chunk = ManyLocks(redis, names, holder=ROBIN, ttl=6)

    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(chunk.take, wait=PATIENCE)
        until(lambda: redis.zcard(keys_of(names[-1])[1]))
        least = redis.pttl(names[0])
        while 0 < (left := redis.pttl(names[0])) <= least:
            least = left
            time.sleep(0.01)
        other.release()
        taking.result()

    assert left > least > 0
    assert chunk.held == held_keys(redis, names) == frozenset(names)
    chunk.release()


def chunks_that_cross(redis: Redis, names: Names, *, wait: float) -> tuple[int, int, float]:
    """Let two chunks each hold the half that the other wants too; return the number of locks of each, and the time."""
    low, high = ManyLocks(redis, names, holder=ROBIN), ManyLocks(redis, names, holder=KIM)
    low._attempt(names[:5], joins=False)
    high._attempt(names[5:], joins=False)
    assert (len(low.held), len(high.held)) == (5, 5)

    def work(chunk: ManyLocks) -> int:
        chunk.take(wait=wait)
        got = len(chunk.held)
        chunk.release()
        return got

    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(work, (low, high)))
    return counts[0], counts[1], time.monotonic() - started


def test_crossing_chunks_both_get_all_locks(redis: Redis, names: Names) -> None:
    low, high, seconds = chunks_that_cross(redis, names, wait=PATIENCE)

    assert (low, high) == (10, 10)
    assert seconds < within(10)


def test_without_giving_way_they_would_block_each_other(
    redis: Redis, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_locks, "GRACE_SECONDS", 1_000)

    low, high, seconds = chunks_that_cross(redis, names, wait=1.5)

    assert min(low, high) == 5
    assert seconds >= 1.5


@pytest.mark.slow
def test_many_chunks_over_the_same_copies_all_finish(redis: Redis, names: Names) -> None:
    def work(number: int) -> int:
        # Each wants them in its own order, from its own start.
        mine = names[number % 10 :] + names[: number % 10]
        with lock_many(redis, mine[:7], holder=ROBIN, wait=60) as locks:
            time.sleep(0.002)
            return len(locks.held)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [7] * 40
    assert held_keys(redis, names) == set()


def test_expired_locks_are_returned_and_other_locks_untouched(redis: Redis, names: Names) -> None:
    locks = ManyLocks(redis, names, holder=ROBIN)
    locks.take(wait=0)
    redis.delete(names[2], names[7])
    FairLock(redis, names[7], holder=KIM).take(wait=0)

    assert locks.extend() == {names[2], names[7]}
    assert locks.held == frozenset(names) - {names[2], names[7]}

    locks.release()
    assert held_keys(redis, names) == {names[7]}


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt])
def test_all_are_freed_on_every_way_out(redis: Redis, names: Names, fault: type[BaseException]) -> None:
    with pytest.raises(fault), lock_many(redis, names, holder=ROBIN, wait=0):
        assert held_keys(redis, names) == set(names)
        raise fault

    assert held_keys(redis, names) == set()


def test_an_interruption_leaves_no_lock(redis: Redis, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    FairLock(redis, names[0], holder=KIM).take(wait=0)

    def interrupt(seconds: float) -> None:
        assert redis.zcard(keys_of(names[0])[1]) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(many_locks.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt), lock_many(redis, names, holder=ROBIN, wait=5):
        pass

    assert held_keys(redis, names) == {names[0]}
    assert redis.zcard(keys_of(names[0])[1]) == 0


def test_without_names_nothing_happens(counted: tuple[Redis, Callable[[], int]]) -> None:
    client, count = counted

    with lock_many(client, [], holder=ROBIN, wait=5) as locks:
        assert (locks.held, locks.missed) == (frozenset(), {})

    assert count() == 0
