"""The state of locks, and a release by hand of exactly the inspected holding."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from redis import Redis
from redis.crc import key_slot

from redis_locks.fair_lock import FairLock, keys_of, lock_name, parts_of_name
from redis_locks.inspection import list_locks, lock_info, release_by_force
from tests.harness.lock_fixtures import KIM, ROBIN


def test_it_returns_holder_waiters_and_time_left(redis: Redis, name: str, make_lock: Callable[..., FairLock]) -> None:
    assert lock_info(redis, name) is None
    make_lock(holder=KIM).take(wait=0)
    for _ in range(2):
        make_lock()._try(joins=True)

    info = lock_info(redis, name)

    assert info is not None and info.holder is not None
    assert (info.name, info.holder.who, info.waiting) == (name, KIM.who, 2)
    assert 9 < info.expires_in <= 10
    assert len(info.identity) == 32


def test_a_foreign_token_is_listed_without_a_holder(redis: Redis, name: str) -> None:
    redis.set(name, b"5d1c9a0e7b1c11f0", px=5_000)

    info = lock_info(redis, name)

    assert info is not None and info.holder is None


def test_only_locks_are_listed(redis: Redis, make_name: Callable[[], str]) -> None:
    names = sorted(make_name() for _ in range(5))
    for name in names:
        FairLock(redis, name, holder=ROBIN).take(wait=0)
        FairLock(redis, name, holder=KIM)._try(joins=True)

    found = [info.name for info in list_locks(redis, lock_name("copy", "*"))]

    assert found == names


def test_only_the_inspected_holding_is_freed(redis: Redis, name: str, make_lock: Callable[..., FairLock]) -> None:
    first = make_lock()
    first.take(wait=0)
    looked_at = lock_info(redis, name)
    assert looked_at is not None
    first.release()
    make_lock(holder=KIM).take(wait=0)

    assert not release_by_force(redis, looked_at)

    now = lock_info(redis, name)
    assert now is not None and now.holder is not None and now.holder.who == KIM.who
    assert release_by_force(redis, now)
    assert lock_info(redis, name) is None


def test_all_keys_of_a_lock_are_in_one_slot_of_a_cluster(name: str) -> None:
    slots = {key_slot(key.encode()) for key in keys_of(name)}

    assert len(slots) == 1
    assert key_slot(lock_name("copy", "tenant", "two").encode()) not in slots


def test_a_name_contains_its_parts() -> None:
    assert lock_name("copy", "tenant", "one") == f"{settings.LOCK_PREFIX}:{{copy:tenant:one}}"
    assert parts_of_name(lock_name("copy", "tenant", "one")) == ["copy", "tenant", "one"]
    assert parts_of_name(lock_name("job", "a job")) == ["job", "a job"]
