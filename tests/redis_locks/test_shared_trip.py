"""Commands of others in the round trips of a lock: they never cost the lock, and each learns how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import LockNotOwnedError, RedisError, ResponseError

from redis_locks.fair_lock import FairLock
from redis_locks.shared_trip import Errand, SharedTrip, ask, run_errands, send
from tests.harness.broken_redis import refusing_client
from tests.harness.redis_trips import redis_trips

Told = list[Any]


def errand(told: Told, *commands: tuple[str, ...]) -> Errand:
    return Errand(commands, failed=lambda error: told.append(type(error)), then=told.extend)


def test_what_is_read_ahead_is_known_with_the_lock(redis: Redis, name: str, make_lock: Callable[..., FairLock]) -> None:
    redis.set(f"{name}:other", b"7", px=5_000)
    lock = make_lock()

    assert lock.take(wait=0, ahead=[("GET", f"{name}:other"), ("GET", f"{name}:none"), ("LPUSH", f"{name}:other", "1")])

    # A read that failed is repeated when its reply is needed.
    assert lock.known == {("GET", f"{name}:other"): b"7", ("GET", f"{name}:none"): None}
    lock.release()


def test_nothing_is_known_after_a_wait(redis: Redis, name: str, make_lock: Callable[..., FairLock]) -> None:
    holder, waiter = make_lock(), make_lock()
    holder.take(wait=0)
    redis.pexpire(name, 50)

    assert waiter.take(wait=5, ahead=[("GET", name)])

    assert waiter.known == {}
    waiter.release()


def test_an_unknown_script_costs_no_reply(
    redis: Redis, name: str, make_lock: Callable[..., FairLock], unknown_scripts: None
) -> None:
    lock, told = make_lock(), Told()

    assert lock.take(wait=0, ahead=[("EXISTS", f"{name}:none")])
    lock.release(errands=[errand(told, ("EXISTS", name))])

    # It was read before the lock was taken, by the second call.
    assert lock.known == {}
    assert (told, redis.exists(name)) == ([1], 0)


def test_errands_leave_with_the_lock(redis: Redis, name: str, make_lock: Callable[..., FairLock]) -> None:
    lock, told = make_lock(), Told()
    lock.take(wait=0)

    with redis_trips() as trips:
        lock.release(errands=[errand(told, ("LPUSH", name)), errand(told, ("ECHO", "a"), ("ECHO", "b"))])

    assert len(trips) == 1
    assert (told, redis.exists(name)) == ([ResponseError, b"a", b"b"], 0)


def test_errands_of_a_lost_lock_are_run(redis: Redis, name: str, make_lock: Callable[..., FairLock]) -> None:
    lock, told = make_lock(), Told()
    lock.take(wait=0)
    redis.delete(name)

    with pytest.raises(LockNotOwnedError):
        lock.release(errands=[errand(told, ("ECHO", "a"))])

    assert told == [b"a"]


def test_errands_hear_of_an_outage(name: str, make_lock: Callable[..., FairLock]) -> None:
    lock, told = make_lock(), Told()
    lock.take(wait=0)
    well, lock._client = lock._client, refusing_client()

    with pytest.raises(RedisError):
        lock.release(errands=[errand(told, ("ECHO", "a")), errand(told, ("ECHO", "b"))])
    run_errands(refusing_client, [errand(told, ("ECHO", "c"))])

    assert [issubclass(kind, RedisError) for kind in told] == [True] * 3
    lock._client = well
    lock.release()


def test_a_trip_in_use_answers_and_waits(redis: Redis) -> None:
    trip, told = SharedTrip(), Told()
    trip.known = {("ECHO", "a"): b"of the lock"}

    with trip.use():
        assert [ask(lambda: redis, ("ECHO", one)) for one in "ab"] == [b"of the lock", b"b"]
        send(lambda: redis, errand(told, ("ECHO", "c")))
    assert told == []
    send(lambda: redis, errand(told, ("ECHO", "d")))

    assert (told, len(trip.take_errands()), trip.take_errands()) == ([b"d"], 1, [])


def test_an_errand_that_raises_fails_neither_the_release_nor_the_others(
    redis: Redis, name: str, make_lock: Callable[..., FairLock]
) -> None:
    def fail(found: object) -> None:
        raise RuntimeError("no thread")

    lock, told = make_lock(), Told()
    lock.take(wait=0)

    lock.release(errands=[Errand([("ECHO", "a")], failed=fail, then=fail), errand(told, ("ECHO", "b"))])

    assert (told, redis.exists(name)) == ([b"b"], 0)
