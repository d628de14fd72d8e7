"""The script in Redis: the same results as the rule in Python, exact for concurrent callers."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.conf import settings
from django_redis import get_redis_connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants.limits import counts
from tenants.limits.counts import Count
from tenants.limits.process_counts import ProcessCounts

WINDOW = 64_000
# Steps: the pause before it, and the amounts of two keys; a negative pause gives the amounts back.
STEPS = st.lists(st.tuples(st.integers(-1, WINDOW // 2), st.integers(1, 4), st.integers(1, 4)), max_size=25)


@pytest.fixture
def key() -> Iterator[str]:
    """Return the beginning of keys of this test alone."""
    prefix = f"{{{settings.CACHES['default']['KEY_PREFIX']}.rl}}:{uuid4().hex}"
    yield prefix
    redis = get_redis_connection("default")
    for left in redis.scan_iter(f"{prefix}*"):
        redis.delete(left)


@given(STEPS)
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None
)
def test_the_script_decides_as_the_rule_does(key: str, steps: list[tuple[int, int, int]]) -> None:
    model, run, now = ProcessCounts(), uuid4().hex, 1_700_000_000_000
    for pause, first, second in steps:
        taken = [Count(f"{key}:{run}:a", first, 5, WINDOW), Count(f"{key}:{run}:b", second, 8, 2 * WINDOW)]
        if pause < 0:
            counts.give_back(taken)
            model.give_back(taken)
            continue
        now += pause
        assert counts.take(taken, now=now) == model.take(taken, now=now)


def test_of_200_concurrent_calls_exactly_100_pass(key: str) -> None:
    limit = [Count(f"{key}:user", 1, 100, 60_000), Count(f"{key}:address", 1, 150, 60_000)]
    with ThreadPoolExecutor(16) as crowd:
        results = list(crowd.map(lambda _: counts.take(limit), range(200)))

    passed = sorted(result[0] for result in results if min(result) >= 0)
    assert passed == list(range(100))


def test_a_count_expires_with_its_window_and_a_refused_call_writes_nothing(key: str) -> None:
    redis, limit = get_redis_connection("default"), [Count(f"{key}:one", 1, 1, 60_000)]
    counts.take(limit)
    stored = redis.get(f"{key}:one")
    redis.pexpire(f"{key}:one", 30_000)

    assert counts.take(limit)[0] < 0

    assert redis.get(f"{key}:one") == stored
    assert 0 < redis.pttl(f"{key}:one") <= 30_000


def test_a_closed_connection_is_replaced(key: str) -> None:
    limit = [Count(f"{key}:one", 1, 5, 60_000)]
    counts.take(limit)
    # Only the connections of this process: other test processes share the server.
    for connection in counts._Idle.connections:
        connection.send_command("CLIENT", "ID")
        get_redis_connection("default").client_kill_filter(_id=connection.read_response())

    assert counts.take(limit) == [3]


def test_a_server_without_the_script_receives_it(key: str) -> None:
    get_redis_connection("default").script_flush()

    assert counts.take([Count(f"{key}:one", 2, 5, 60_000)]) == [3]


def _passed_in_process(arguments: tuple[str, int]) -> int:
    key, calls = arguments
    limit = [Count(key, 1, 100, 600_000)]
    with ThreadPoolExecutor(8) as crowd:
        return sum(result[0] >= 0 for result in crowd.map(lambda _: counts.take(limit), range(calls)))


@pytest.mark.slow
def test_of_200_calls_of_two_processes_exactly_100_pass(key: str) -> None:
    with multiprocessing.get_context("fork").Pool(2) as processes:
        passed = processes.map(_passed_in_process, [(f"{key}:both", 100)] * 2)

    assert sum(passed) == 100
