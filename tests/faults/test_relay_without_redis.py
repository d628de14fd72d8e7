"""Redis is killed while the outbox drains, and is empty when it returns (F8): no action is lost, and none waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest
from uuid_utils.compat import uuid7

from house.place import CHECKOUT
from house.supervisor import end_with_parent
from tests.faults.test_relay import one, outbox, waiting
from tests.harness.faults.relay_trials import put
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
#: The seconds within which the oldest due action must run after Redis returned; and while it is away.
MOST_LAG: Final = 10.0
LAG_WITHOUT_REDIS: Final = 5.0
#: The number of timed actions; with many, their number would count more than their wait.
FEW: Final = 20
#: Celery reconnects to Redis less often the longer it is away: after 2, 4, 6 ... seconds.
WORKER_BACK: Final = 40.0
CELERY: Final = (
    *(sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "tests.harness.faults.celery_worker", "worker"),
    *("--concurrency", "1", "--without-mingle", "--without-gossip", "--loglevel", "critical"),
)
RELAY: Final = (sys.executable, "-m", "tests.harness.faults.relay_command")


@contextmanager
def running(world: World, command: Iterable[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` on the world's database and Redis; kill it and its children after the block."""
    process = subprocess.Popen(
        [*command],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "DATABASE_URL": world.servers.url_of(world.database),
            "REDIS_URL": world.servers.redis_url,
            "LOG_LEVEL": "CRITICAL",
        },
        start_new_session=True,
        preexec_fn=lambda: end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one prctl, nothing that could wait
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def put_many(connection: psycopg.Connection[Any], amount: int) -> None:
    with connection.transaction():
        for _ in range(amount):
            put(connection, action=uuid7(), bell="plain", copy=uuid7())


@dataclass
class Outcome:
    """The result of a drain without Redis: ``lost`` actions, the longest wait meanwhile, and the seconds from the
    return of Redis to the run of the oldest due action.
    """

    lost: int
    waited: float
    behind: float


def drain_while_redis_dies(world: World, *, events: int, away: float, is_swept: bool = True) -> Outcome:
    """Kill Redis after some of ``events`` were run by a Celery worker and, if it ``is_swept``, ``manage.py relay``."""
    with outbox(world) as connection, ExitStack() as programs:
        if is_swept:
            programs.enter_context(running(world, RELAY))
            put_many(connection, 1)
            until(lambda: waiting(connection) == 0, seconds=60)
            connection.execute("DELETE FROM effects")
        worker = programs.enter_context(running(world, CELERY))
        put_many(connection, events * 2 // 3)
        begin_drain(world, connection, events=events // 10)
        world.servers.kill_redis()
        gone = time.monotonic()
        put_many(connection, events - events * 2 // 3 - 2 * FEW)
        time.sleep(away)
        # The running drain ends; of later actions no worker gets a hint.
        until(lambda: waiting(connection) == 0, seconds=60 if is_swept else 2)
        began = time.monotonic()
        put_many(connection, FEW)
        until(lambda: waiting(connection) == 0, seconds=LAG_WITHOUT_REDIS if is_swept else 1)
        waited = time.monotonic() - began
        put_many(connection, FEW)
        world.servers.start_redis()
        back = time.monotonic()
        until(lambda: waiting(connection) == 0, seconds=MOST_LAG if is_swept else 4)
        outcome = Outcome(
            lost=events - one(connection, "SELECT count(DISTINCT action) FROM effects"),
            waited=waited,
            behind=time.monotonic() - back,
        )
        print(f"Redis was away for {back - gone:.1f} s: {outcome}")  # noqa: T201 - shown where the test fails
        assert worker.poll() is None, "the worker ended"
        return outcome


def begin_drain(world: World, connection: psycopg.Connection[Any], *, events: int) -> None:
    """Repeat the hint, which expires while a worker starts, until ``events`` actions were run."""
    for _ in range(60):
        world.do("relay_trials:hint")
        until(lambda: one(connection, "SELECT count(*) FROM effects") >= events, seconds=1)
        if one(connection, "SELECT count(*) FROM effects") >= events:
            return
    raise AssertionError("no worker began the drain")


def until(condition: Any, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize(("events", "away"), [(200, 1.0), pytest.param(5_000, 20.0, marks=FULL)])
def test_no_action_is_lost_with_redis(world: World, events: int, away: float) -> None:
    outcome = drain_while_redis_dies(world, events=events, away=away)

    assert outcome.lost == 0
    assert outcome.waited < LAG_WITHOUT_REDIS
    assert outcome.behind < MOST_LAG


@FULL
def test_without_the_relay_command_actions_would_wait_for_a_hint(world: World) -> None:
    assert drain_while_redis_dies(world, events=100, away=0.5, is_swept=False).lost > 0


@FULL
@pytest.mark.parametrize("away", [0.5, 20.0])
def test_a_worker_takes_hints_again_without_a_restart(world: World, away: float) -> None:
    with outbox(world) as connection, running(world, CELERY):
        for _ in range(2):
            put_many(connection, 5)
            began = time.monotonic()
            while waiting(connection) and time.monotonic() - began < WORKER_BACK:
                world.do("relay_trials:hint")
                until(lambda: waiting(connection) == 0, seconds=1)
            assert waiting(connection) == 0
            world.servers.kill_redis()
            time.sleep(away)
            world.servers.start_redis()
