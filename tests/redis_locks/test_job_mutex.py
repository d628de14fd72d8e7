"""A job runs once at a time, over all processes; the mutex lives hardly longer than the job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from redis import ConnectionPool, Redis

from redis_locks.fair_lock import keys_of, lock_name
from redis_locks.job_mutex import JobMutex
from tests.harness.lock_fixtures import OtherProcess
from tests.harness.tiers import until

RUN_JOB = """
import sys
from django.conf import settings
from redis import Redis
from redis_locks.job_mutex import JobMutex
job, prefix, ttl = sys.argv[1:]
settings.LOCK_PREFIX = prefix
with JobMutex(job, ttl=float(ttl), client=Redis.from_url(settings.REDIS_URL)) as is_ours:
    print(is_ours, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def job(redis: Redis) -> Iterator[str]:
    """Return the name of a job that no other test runs."""
    name = f"sweep-{uuid4().hex[:8]}"
    yield name
    redis.delete(*keys_of(lock_name("job", name)))


def test_of_two_processes_one_runs_the_job(job: str, other_process: Callable[..., OtherProcess]) -> None:
    first = other_process(RUN_JOB, job, settings.LOCK_PREFIX, "60")
    assert first.line() == "True"

    second = other_process(RUN_JOB, job, settings.LOCK_PREFIX, "60")
    assert second.line() == "False"
    mutex = JobMutex(job)
    with mutex as is_ours:
        assert not is_ours
        assert mutex.holder is not None and mutex.holder.who == f"job {job}"
    second.go_on()
    with JobMutex(job) as is_ours:
        assert not is_ours  # the second one, which did not hold it, freed nothing

    first.go_on()
    with JobMutex(job) as is_ours:
        assert is_ours


def test_a_lock_of_a_killed_process_expires(job: str, redis: Redis, other_process: Callable[..., OtherProcess]) -> None:
    process = other_process(RUN_JOB, job, settings.LOCK_PREFIX, "60")
    assert process.line() == "True"
    process.kill()

    with JobMutex(job) as is_ours:
        assert not is_ours
    assert 0 < redis.pttl(lock_name("job", job)) <= 60_000
    redis.pexpire(lock_name("job", job), 1)
    until(lambda: not redis.exists(lock_name("job", job)))
    with JobMutex(job) as is_ours:
        assert is_ours


def outlives_its_time(job: str, redis: Redis, *, ttl: float) -> bool:
    """Return whether the mutex is extended before its ``ttl`` is over; else it is over."""
    name = lock_name("job", job)
    with JobMutex(job, ttl=ttl) as is_ours:
        assert is_ours
        least = redis.pttl(name)
        # 0 is the last part of a millisecond, in which the key still exists.
        while 0 <= (left := redis.pttl(name)) <= least:
            least = left
            time.sleep(0.01)
        with JobMutex(job) as also_theirs:
            return not also_theirs


def test_the_mutex_lives_as_long_as_the_job(job: str, redis: Redis) -> None:
    assert outlives_its_time(job, redis, ttl=6)


def test_without_extension_the_mutex_would_expire(job: str, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobMutex, "_keep", lambda self: None)

    assert not outlives_its_time(job, redis, ttl=0.5)


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_lock_is_released_on_every_way_out(job: str, redis: Redis, fault: type[BaseException]) -> None:
    with pytest.raises(fault), JobMutex(job):
        assert redis.exists(lock_name("job", job))
        raise fault

    assert not redis.exists(lock_name("job", job))
    assert not [thread for thread in threading.enumerate() if thread.name == f"mutex of {job}"]


def test_a_lost_mutex_frees_no_other(job: str, redis: Redis) -> None:
    with JobMutex(job) as is_ours:
        assert is_ours
        redis.set(lock_name("job", job), b"another's")

    assert redis.get(lock_name("job", job)) == b"another's"


def test_without_redis_the_job_runs(job: str) -> None:
    away = Redis(connection_pool=ConnectionPool(host="127.0.0.1", port=1))

    with JobMutex(job, client=away) as is_ours:
        assert is_ours
    with JobMutex(job, must_be_alone=True, client=away) as is_ours:
        assert not is_ours


def test_a_job_succeeds_if_redis_goes_away_meanwhile(job: str, monkeypatch: pytest.MonkeyPatch, redis: Redis) -> None:
    away = Redis(connection_pool=ConnectionPool(host="127.0.0.1", port=1))
    mutex = JobMutex(job, ttl=0.15, client=redis)

    with mutex as is_ours:
        assert is_ours
        monkeypatch.setattr(mutex._lock, "_client", away)
        time.sleep(0.3)
        keeper = mutex._keeper
        assert keeper is not None and keeper.is_alive()

    assert not keeper.is_alive()
