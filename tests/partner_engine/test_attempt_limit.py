"""Attempts at a secret: five in a quarter of an hour, exact also for concurrent ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as RedisConnectionError

from partner_engine import attempt_limit
from partner_engine.attempt_limit import AttemptLimit
from redis_locks.outage import RedisOutage

pytestmark = pytest.mark.django_db  # its keys in Redis are deleted afterwards

TRIES, MINUTES = 5, 15
HERE, THERE = "192.0.2.1", "2001:db8::1"


def takes(limit: AttemptLimit, name: str, address: str, times: int) -> list[bool]:
    return [limit.take(name, address) == 0 for _ in range(times)]


def test_of_many_concurrent_attempts_exactly_five_pass() -> None:
    limit = AttemptLimit("crowd")
    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda _: limit.take("harbor", HERE), range(200)))

    assert answers.count(0) == TRIES


def test_names_addresses_and_kinds_are_counted_separately() -> None:
    limit = AttemptLimit("apart")

    assert takes(limit, "harbor", HERE, 6) == [True] * 5 + [False]
    assert takes(limit, "harbor", THERE, 1) == [True]
    assert takes(limit, "summit", HERE, 1) == [True]
    assert takes(AttemptLimit("another"), "harbor", HERE, 1) == [True]


def test_the_right_secret_resets_the_count() -> None:
    limit = AttemptLimit("anew")
    takes(limit, "harbor", HERE, 5)

    limit.clear("harbor", HERE)

    assert takes(limit, "harbor", HERE, 6) == [True] * 5 + [False]


def test_a_refusal_names_the_time_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = AttemptLimit("wait")
    takes(limit, "harbor", HERE, 5)
    # While the attempts are recent, one of them may be right and reset the count.
    assert limit.take("harbor", HERE) == 1

    monkeypatch.setattr(attempt_limit, "_CONCURRENT_SECONDS", 0)

    assert MINUTES * 60 - 10 < limit.take("harbor", HERE) <= MINUTES * 60


def test_further_attempts_do_not_extend_the_block() -> None:
    limit = AttemptLimit("end")
    takes(limit, "harbor", HERE, 10)
    prefix = f"{attempt_limit.settings.CACHES['default']['KEY_PREFIX']}.guesses"
    [key] = list(get_redis_connection("default").scan_iter(f"{prefix}*"))

    assert get_redis_connection("default").llen(key) == TRIES


def test_without_redis_nothing_is_counted_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str, prefix: str) -> object:
        raise RedisConnectionError

    monkeypatch.setattr(attempt_limit, "_storage", refuse)
    monkeypatch.setattr(attempt_limit, "outage", RedisOutage())
    limit = AttemptLimit("away")

    assert takes(limit, "harbor", HERE, 7) == [True] * 7
    limit.clear("harbor", HERE)
