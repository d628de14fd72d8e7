"""Redis is killed while Celery drains the outbox, and is empty when it comes back (F8): no action is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from uuid_utils.compat import uuid7

from house.place import CHECKOUT
from house.supervisor import end_with_parent
from tests.faults.conftest import World
from tests.faults.relaying import put
from tests.faults.test_relay import one, outbox, waiting

FULL: Final = pytest.mark.fault
#: How soon after Redis is back the oldest due action has been run, in seconds. Celery asks for Redis less often the
#: longer it is away: 2, 4, 6 ... seconds apart.
MOST_LAG: Final = 30.0
#: ``manage.py relay`` does not ask for Redis at all.
LAG_WITHOUT_REDIS: Final = 5.0


@contextmanager
def celery(world: World, folder: Path, *, beat: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Run one Celery worker of the product, with beat in it."""
    schedule = ["--beat", "--scheduler", "celery.beat:PersistentScheduler", "--schedule", str(folder / "schedule")]
    command = [
        *(sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "tests.faults.celeried", "worker"),
        *("--concurrency", "1", "--without-mingle", "--without-gossip", "--loglevel", "critical"),
        *(schedule if beat else []),
    ]
    with running(world, command) as process:
        yield process


@contextmanager
def running(world: World, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` on the world's database and Redis; kill it and what it started after the block."""
    process = subprocess.Popen(
        command,
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


def drain_while_redis_dies(
    world: World, folder: Path, *, events: int, away: float, beat: bool = True
) -> tuple[int, float]:
    """Kill Redis after some of ``events`` were run; return how many of them never are, and how long after Redis was
    back it took.
    """
    with outbox(world) as connection, celery(world, folder, beat=beat) as worker:
        put_many(connection, events // 2)
        if not beat:
            world.do("relaying:hint")
        until(lambda: one(connection, "SELECT count(*) FROM effects") >= events // 10, seconds=30)
        world.servers.kill_redis()
        put_many(connection, events // 4)
        time.sleep(away)
        # The drain that was under way comes to its end; of what comes now nobody is told.
        until(lambda: waiting(connection) == 0, seconds=30)
        put_many(connection, events - events // 2 - events // 4)
        world.servers.start_redis()
        back = time.monotonic()
        until(lambda: waiting(connection) == 0, seconds=MOST_LAG if beat else 4)
        took = time.monotonic() - back
        assert worker.poll() is None, "the worker ended"
        return events - one(connection, "SELECT count(DISTINCT action) FROM effects"), took


def until(condition: Any, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize(("events", "away"), [(500, 1.0), pytest.param(5_000, 20.0, marks=FULL)])
def test_no_action_is_lost_with_redis(world: World, tmp_path: Path, events: int, away: float) -> None:
    lost, took = drain_while_redis_dies(world, tmp_path, events=events, away=away)

    assert lost == 0
    assert took < MOST_LAG


def test_without_the_sweep_actions_would_wait_for_ever(world: World, tmp_path: Path) -> None:
    lost, _ = drain_while_redis_dies(world, tmp_path, events=100, away=0.5, beat=False)

    assert lost > 0


def test_the_relay_command_goes_on_while_redis_is_away(world: World) -> None:
    command = [sys.executable, "-m", "tests.faults.relay_command"]
    with outbox(world) as connection, running(world, command):
        put_many(connection, 50)
        until(lambda: waiting(connection) == 0, seconds=30)
        world.servers.kill_redis()
        try:
            put_many(connection, 50)
            began = time.monotonic()
            until(lambda: waiting(connection) == 0, seconds=LAG_WITHOUT_REDIS)
            took = time.monotonic() - began
        finally:
            world.servers.start_redis()

        assert took < LAG_WITHOUT_REDIS
        assert one(connection, "SELECT count(DISTINCT action) FROM effects") == 100
