"""One fair lock on the real Redis: taken in turn, never twice, freed on every way out."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockNotOwnedError
from redis.lock import Lock

from tenants import locks
from tenants.holders import holder_in
from tenants.lock_scripts import LockScript, run_script, script_of
from tenants.locks import FairLock, keys_of, pause
from tests.tenants.conftest import KIM, ROBIN, OtherProcess

MakeLock = Callable[..., FairLock]
Sabotage = Callable[[str, str], None]

#: What makes the script fair: the one who comes first is served first, and a free lock is left to those who wait.
IN_TURN = "if not current and (not first or first == ARGV[1]) then"
WHENEVER_FREE = "if not current then"
#: What drops waiters that no longer ask.
DROPPED = "redis.call('zrangebyscore', KEYS[3], '-inf', now - ARGV[4])"
#: The first of the queue, where it is looked at after the drop.
NEWEST_FIRST = (
    "    first = redis.call('zrange', KEYS[2], 0, 0)[1]\n",
    "    first = redis.call('zrange', KEYS[2], -1, -1)[1]\n",
)


def waiting(redis: Redis, name: str) -> int:
    return redis.zcard(keys_of(name)[1])


def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_one_round_trip_takes_it_and_one_frees_it(counted: tuple[Redis, Callable[[], int]], name: str) -> None:
    client, count = counted
    FairLock(client, name, holder=ROBIN).take(wait=0)  # the scripts are known from here on
    client.delete(name)
    lock = FairLock(client, name, holder=ROBIN)
    count()

    assert lock.take(wait=30)

    assert count() == 1
    lock.release()
    assert count() == 1
    assert client.exists(*keys_of(name)) == 0


def test_a_server_that_forgot_the_scripts_is_told_again(redis: Redis, make_lock: MakeLock) -> None:
    redis.script_flush()
    lock = make_lock()

    assert lock.take(wait=0)

    redis.script_flush()
    lock.extend()
    redis.script_flush()
    lock.release()


def test_the_key_tells_the_holder_by_the_clock_of_redis(redis: Redis, name: str, make_lock: MakeLock) -> None:
    seconds, _ = redis.time()
    make_lock(holder=KIM).take(wait=0)

    holder = holder_in(redis.get(name))

    assert holder is not None
    assert (holder.who, holder.where, holder.door) == (KIM.who, KIM.where, "api")
    assert abs(holder.since - datetime.fromtimestamp(seconds, UTC)) < timedelta(seconds=5)
    assert 9_000 < redis.pttl(name) <= 10_000


def test_who_is_refused_learns_who_holds_it(make_lock: MakeLock) -> None:
    make_lock(holder=KIM).take(wait=0)
    second = make_lock()

    assert not second.take(wait=0)
    assert second.holder is not None and second.holder.who == KIM.who

    started = time.monotonic()
    assert not second.take(wait=0.1)
    assert 0.1 <= time.monotonic() - started < 2
    assert second.holder is not None and second.holder.who == KIM.who


def test_who_gave_up_stands_in_no_queue(redis: Redis, name: str, make_lock: MakeLock) -> None:
    first = make_lock()
    first.take(wait=0)

    make_lock().take(wait=0.03)
    make_lock().take(wait=0)

    assert waiting(redis, name) == 0
    first.release()
    assert redis.exists(*keys_of(name)) == 0


def order_of_turns(redis: Redis, name: str, takers: Sequence[Callable[[], Callable[[], None]]]) -> list[int]:
    """Let ``takers`` come one after the other while the lock is held, then free it; return in which order they got it.

    A taker takes the lock and returns what frees it.
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
            # The next one comes only after this one stands in the queue, or had the time to.
            end = time.monotonic() + 0.03
            while waiting(redis, name) <= number and time.monotonic() < end:
                time.sleep(0.001)
        first.release()
    return turns


def fair_takers(make_lock: MakeLock, count: int) -> list[Callable[[], Callable[[], None]]]:
    def take() -> Callable[[], None]:
        lock = make_lock()
        assert lock.take(wait=30)
        return lock.release

    return [take] * count


def test_twenty_waiters_are_served_in_the_order_they_came(redis: Redis, name: str, make_lock: MakeLock) -> None:
    assert order_of_turns(redis, name, fair_takers(make_lock, 20)) == list(range(20))


def test_the_order_is_no_accident_without_a_queue_it_is_another(
    redis: Redis, name: str, make_lock: MakeLock, sabotage: Sabotage
) -> None:
    sabotage(IN_TURN, WHENEVER_FREE)

    turns = order_of_turns(redis, name, fair_takers(make_lock, 20))

    assert turns != list(range(20))
    assert sorted(turns) == list(range(20))


def test_the_order_of_a_polling_lock_is_another_too(redis: Redis, name: str) -> None:
    def take() -> Callable[[], None]:
        lock = Lock(redis, name, timeout=10, sleep=0.01, thread_local=False)
        assert lock.acquire(blocking_timeout=30)
        return lock.release

    turns = order_of_turns(redis, name, [take] * 12)

    assert turns != list(range(12))


def newcomer_overtakes(make_lock: MakeLock) -> bool:
    first, waiter = make_lock(), make_lock()
    first.take(wait=0)
    assert waiter._try(joins=True) == 1
    first.release()
    # Free, but somebody waits, and just sleeps between two looks.
    overtakes = make_lock().take(wait=0)
    assert waiter._try(joins=True) == (1 if overtakes else 0)
    return overtakes


def test_a_newcomer_never_overtakes_who_waits(make_lock: MakeLock) -> None:
    assert not newcomer_overtakes(make_lock)


def test_without_turns_a_newcomer_would_overtake(make_lock: MakeLock, sabotage: Sabotage) -> None:
    sabotage(IN_TURN, WHENEVER_FREE)

    assert newcomer_overtakes(make_lock)


def gets_past_a_dead_waiter(make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(locks, "PATIENCE_MS", 200)
    first, dead, alive = make_lock(), make_lock(), make_lock()
    first.take(wait=0)
    assert dead._try(joins=True) == 1
    assert alive._try(joins=True) == 2
    first.release()
    return alive.take(wait=1)


def test_a_waiter_that_died_is_dropped(make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gets_past_a_dead_waiter(make_lock, monkeypatch)


def test_a_dead_waiter_would_block_if_it_were_not_dropped(
    make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch, sabotage: Sabotage
) -> None:
    sabotage(DROPPED, "{}")

    assert not gets_past_a_dead_waiter(make_lock, monkeypatch)


def test_a_waiter_that_only_paused_keeps_its_place_while_nobody_else_came(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_MS", 100)
    first, slow = make_lock(), make_lock()
    first.take(wait=0)
    slow._try(joins=True)

    time.sleep(0.13)

    assert slow._try(joins=True) == 1
    assert waiting(redis, name) == 1


def test_a_queue_of_the_dead_goes_away_by_itself(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_MS", 50)
    make_lock().take(wait=0)
    make_lock()._try(joins=True)

    until(lambda: redis.exists(*keys_of(name)[1:]) == 0, seconds=2)


def test_a_paused_holder_frees_no_lock_but_its_own(redis: Redis, name: str, make_lock: MakeLock) -> None:
    paused = make_lock(ttl=0.05)
    paused.take(wait=0)
    time.sleep(0.08)
    other = make_lock(holder=KIM)
    assert other.take(wait=0)

    with pytest.raises(LockNotOwnedError, match="held no more"):
        paused.extend()
    with pytest.raises(LockNotOwnedError, match="held no more"):
        paused.release()

    holder = holder_in(redis.get(name))
    assert holder is not None and holder.who == KIM.who
    other.release()


def test_a_release_that_does_not_look_whose_it_is_would_be_noticed(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "RELEASE", script_of("redis.call('del', KEYS[1]) return 1"))
    paused = make_lock(ttl=0.05)
    paused.take(wait=0)
    time.sleep(0.08)
    make_lock(holder=KIM).take(wait=0)

    paused.release()

    assert redis.get(name) is None


def test_extended_it_outlives_its_time(redis: Redis, name: str, make_lock: MakeLock) -> None:
    lock = make_lock(ttl=0.3)
    lock.take(wait=0)

    for _ in range(4):
        time.sleep(0.1)
        lock.extend()

    assert redis.pttl(name) > 200
    assert not make_lock().take(wait=0)
    lock.release()


def test_a_lost_answer_is_no_lost_lock(make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = make_lock()

    def lose_the_answer(client: Redis, script: LockScript, *rest: object) -> object:
        run_script(client, script, *rest)  # type: ignore[arg-type]
        raise RedisConnectionError("reset by peer")

    with monkeypatch.context() as broken:
        broken.setattr(locks, "run_script", lose_the_answer)
        with pytest.raises(RedisConnectionError):
            lock.take(wait=0)

    assert lock.take(wait=0)
    lock.release()
    assert make_lock().take(wait=0)


def test_interrupted_while_waiting_it_leaves_the_queue(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_lock().take(wait=0)

    def interrupt(seconds: float) -> None:
        assert waiting(redis, name) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(locks.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_lock().take(wait=5)

    assert waiting(redis, name) == 0


def test_interrupted_just_when_it_was_taken_it_is_freed(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(client: Redis, script: LockScript, *rest: object) -> object:
        answer = run_script(client, script, *rest)  # type: ignore[arg-type]
        if script is locks.TAKE:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(locks, "run_script", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_lock().take(wait=5)

    assert redis.exists(*keys_of(name)) == 0


TAKE_AND_HANG = """
import sys
from redis import Redis
from tenants.holders import holder_here
from tenants.locks import FairLock
url, name = sys.argv[1:]
print(FairLock(Redis.from_url(url), name, holder=holder_here(who="dying", door="job"), ttl=1).take(wait=0), flush=True)
sys.stdin.read()
"""


def test_after_its_process_was_killed_it_is_free_within_its_time(
    name: str, make_lock: MakeLock, other_process: Callable[..., OtherProcess], settings: object
) -> None:
    process = other_process(TAKE_AND_HANG, settings.REDIS_URL, name)  # type: ignore[attr-defined]
    assert process.line() == "True"
    process.kill()

    started = time.monotonic()
    assert not make_lock().take(wait=0)
    assert make_lock().take(wait=5)

    assert time.monotonic() - started < 3


def test_the_further_back_the_slower_it_polls_and_never_in_step() -> None:
    for place, least, most in ((1, 0.005, 0.01), (2, 0.0075, 0.015), (19, 0.05, 0.1), (500, 0.05, 0.1)):
        pauses = {pause(place) for _ in range(200)}

        assert least <= min(pauses) < max(pauses) <= most
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
def test_nobody_starves_among_fifty(make_lock: MakeLock) -> None:
    assert longest_against_median(make_lock, threads=50, turns=6) <= 10


@pytest.mark.slow
def test_with_the_newest_served_first_some_would_starve(make_lock: MakeLock, sabotage: Sabotage) -> None:
    sabotage(*NEWEST_FIRST)

    assert longest_against_median(make_lock, threads=50, turns=3) > 10


def test_a_lock_is_handed_over_quickly(make_lock: MakeLock) -> None:
    first, freed = make_lock(), []
    first.take(wait=0)

    def free() -> None:
        time.sleep(0.1)
        freed.append(time.monotonic())
        first.release()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(free)
        assert make_lock().take(wait=10)

    # Generous: benchmarks/locking.py measures it.
    assert time.monotonic() - freed[0] < 1
