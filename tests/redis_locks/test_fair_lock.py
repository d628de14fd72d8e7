"""One fair lock on the real Redis: its holder, its time to live, and its release on every way out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockNotOwnedError

from redis_locks import fair_lock
from redis_locks.fair_lock import FairLock, keys_of
from redis_locks.lock_holder import holder_in
from redis_locks.lua_scripts import LockScript, run_script, script_of
from tests.harness.lock_fixtures import KIM, ROBIN, OtherProcess
from tests.harness.tiers import PATIENCE, until, within

MakeLock = Callable[..., FairLock]


def waiting(redis: Redis, name: str) -> int:
    return redis.zcard(keys_of(name)[1])


def test_one_round_trip_takes_the_lock_and_one_frees_it(counted: tuple[Redis, Callable[[], int]], name: str) -> None:
    client, count = counted
    first = FairLock(client, name, holder=ROBIN)
    first.take(wait=0)
    first.release()  # the scripts are known from here on
    lock = FairLock(client, name, holder=ROBIN)
    count()

    assert lock.take(wait=30)

    assert count() == 1
    lock.release()
    assert count() == 1
    assert client.exists(*keys_of(name)) == 0


@pytest.mark.usefixtures("unknown_scripts")
def test_a_server_without_the_scripts_gets_them(redis: Redis, name: str, make_lock: MakeLock) -> None:
    lock = make_lock()

    assert lock.take(wait=0)
    lock.extend()
    lock.release()

    assert redis.exists(*keys_of(name)) == 0


def test_the_key_contains_the_holder_by_the_clock_of_redis(redis: Redis, name: str, make_lock: MakeLock) -> None:
    seconds, _ = redis.time()
    make_lock(holder=KIM).take(wait=0)

    holder = holder_in(redis.get(name))

    assert holder is not None
    assert (holder.who, holder.where, holder.entry_point) == (KIM.who, KIM.where, "api")
    assert abs(holder.since - datetime.fromtimestamp(seconds, UTC)) < timedelta(seconds=5)
    assert 0 < redis.pttl(name) <= 10_000


def test_a_refused_caller_learns_the_holder(make_lock: MakeLock) -> None:
    make_lock(holder=KIM).take(wait=0)
    second = make_lock()

    assert not second.take(wait=0)
    assert second.holder is not None and second.holder.who == KIM.who

    started = time.monotonic()
    assert not second.take(wait=0.1)
    assert 0.1 <= time.monotonic() - started < within(10)
    assert second.holder is not None and second.holder.who == KIM.who


def test_a_waiter_that_gave_up_leaves_the_queue(redis: Redis, name: str, make_lock: MakeLock) -> None:
    first = make_lock()
    first.take(wait=0)

    make_lock().take(wait=0.03)
    make_lock().take(wait=0)

    assert waiting(redis, name) == 0
    first.release()
    assert redis.exists(*keys_of(name)) == 0


def test_a_paused_holder_frees_only_its_own_lock(redis: Redis, name: str, make_lock: MakeLock) -> None:
    paused = make_lock(ttl=0.05)
    paused.take(wait=0)
    until(lambda: redis.get(name) is None)
    other = make_lock(holder=KIM)
    assert other.take(wait=0)

    with pytest.raises(LockNotOwnedError, match="no longer held"):
        paused.extend()
    with pytest.raises(LockNotOwnedError, match="no longer held"):
        paused.release()

    holder = holder_in(redis.get(name))
    assert holder is not None and holder.who == KIM.who
    other.release()


def test_a_release_without_the_token_would_be_noticed(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_lock, "RELEASE", script_of("redis.call('del', KEYS[1]) return 1"))
    paused = make_lock(ttl=0.05)
    paused.take(wait=0)
    until(lambda: redis.get(name) is None)
    make_lock(holder=KIM).take(wait=0)

    paused.release()

    assert redis.get(name) is None


def test_an_extended_lock_outlives_its_time(redis: Redis, name: str, make_lock: MakeLock) -> None:
    lock = make_lock(ttl=60)
    lock.take(wait=0)

    for _ in range(4):
        redis.pexpire(name, 30_000)
        lock.extend()

        assert 30_000 < redis.pttl(name) <= 60_000
    assert not make_lock().take(wait=0)
    lock.release()


def test_a_lost_reply_is_not_a_lost_lock(make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = make_lock()

    def lose_the_answer(client: Redis, script: LockScript, *rest: object) -> object:
        run_script(client, script, *rest)  # type: ignore[arg-type]
        raise RedisConnectionError("reset by peer")

    with monkeypatch.context() as broken:
        broken.setattr(fair_lock, "run_script", lose_the_answer)
        with pytest.raises(RedisConnectionError):
            lock.take(wait=0)

    assert lock.take(wait=0)
    lock.release()
    assert make_lock().take(wait=0)


def test_an_interrupted_waiter_leaves_the_queue(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_lock().take(wait=0)

    def interrupt(seconds: float) -> None:
        assert waiting(redis, name) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(fair_lock.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_lock().take(wait=5)

    assert waiting(redis, name) == 0


def test_a_lock_interrupted_just_when_taken_is_freed(
    redis: Redis, name: str, make_lock: MakeLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(client: Redis, script: LockScript, *rest: object) -> object:
        answer = run_script(client, script, *rest)  # type: ignore[arg-type]
        if script is fair_lock.TAKE:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(fair_lock, "run_script", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_lock().take(wait=5)

    assert redis.exists(*keys_of(name)) == 0


TAKE_AND_HANG = """
import sys
from redis import Redis
from redis_locks.lock_holder import holder_here
from redis_locks.fair_lock import FairLock
url, name = sys.argv[1:]
holder = holder_here(who="dying", entry_point="job")
print(FairLock(Redis.from_url(url), name, holder=holder, ttl=60).take(wait=0), flush=True)
sys.stdin.read()
"""


def test_a_lock_of_a_killed_process_expires(
    redis: Redis, name: str, make_lock: MakeLock, other_process: Callable[..., OtherProcess], settings: object
) -> None:
    process = other_process(TAKE_AND_HANG, settings.REDIS_URL, name)  # type: ignore[attr-defined]
    assert process.line() == "True"
    process.kill()

    assert 0 < redis.pttl(name) <= 60_000
    assert not make_lock().take(wait=0)
    redis.pexpire(name, 100)
    assert make_lock().take(wait=PATIENCE)


def test_a_lock_is_passed_on_quickly(make_lock: MakeLock) -> None:
    first, freed = make_lock(), []
    first.take(wait=0)

    def free() -> None:
        time.sleep(0.1)
        freed.append(time.monotonic())
        first.release()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(free)
        assert make_lock().take(wait=PATIENCE)

    # Generous: benchmarks/locking.py measures it exactly.
    assert time.monotonic() - freed[0] < within(5)
