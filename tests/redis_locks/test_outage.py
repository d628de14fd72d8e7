"""The memory of a failed Redis: it is not called for a moment, then one caller tries for all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from redis_locks.outage import RedisLeftAlone, RedisOutage


class Clock:
    """A clock that the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_after_a_failure_redis_is_not_called_for_a_while() -> None:
    clock = Clock()
    outage = RedisOutage(pause=1.0, clock=clock)
    assert outage.may_ask()

    outage.failed()

    assert not outage.may_ask()
    clock.now += 0.99
    assert not outage.may_ask()


def test_after_the_pause_one_of_many_calls() -> None:
    clock = Clock()
    outage = RedisOutage(pause=1.0, clock=clock)
    outage.failed()
    clock.now += 1.01

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: outage.may_ask(), range(80)))

    assert answers.count(True) == 1


def test_all_call_again_after_one_response() -> None:
    clock = Clock()
    outage = RedisOutage(pause=1.0, clock=clock)
    outage.failed()
    clock.now += 1.01
    assert outage.may_ask()
    assert not outage.may_ask()

    outage.answered()

    assert outage.may_ask() and outage.may_ask()


def test_during_an_outage_one_caller_per_pause_tries() -> None:
    clock = Clock()
    outage = RedisOutage(pause=1.0, clock=clock)
    outage.failed()
    asked = 0
    for _ in range(100):
        clock.now += 0.05
        if outage.may_ask():
            asked += 1
            outage.failed()

    assert asked == 4


def test_a_skipped_call_is_not_a_new_failure() -> None:
    clock = Clock()
    outage = RedisOutage(pause=1.0, clock=clock)
    outage.failed()
    clock.now += 0.9

    with pytest.raises(RedisLeftAlone) as left_alone:
        outage.client_or_raise(Redis())
    outage.failed_with(left_alone.value)

    clock.now += 0.2
    assert outage.may_ask()
    outage.failed_with(RedisConnectionError("refused"))
    assert not outage.may_ask()
