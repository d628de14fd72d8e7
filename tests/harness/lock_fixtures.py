"""The fixtures of lock tests: the real Redis, names of locks that are deleted afterwards, and sabotaged scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django_redis import get_redis_connection
from redis import Connection, ConnectionPool, Redis

from redis_locks import fair_lock, lua_scripts, many_locks
from redis_locks.fair_lock import FairLock, keys_of, lock_name
from redis_locks.lock_holder import Holder
from redis_locks.lua_scripts import TAKE, script_of
from tests.harness.tiers import PATIENCE

CHECKOUT = Path(__file__).resolve().parents[2]
ROBIN = Holder(who="Robin Agent (user 7)", where="web desk:1")
KIM = Holder(who="Kim Clerk (user 8)", where="api desk:2")


class CountingConnection(Connection):
    """A connection class that counts the requests of all its connections."""

    sent = 0

    def send_packed_command(self, command: object, check_health: bool = True) -> None:
        CountingConnection.sent += 1
        super().send_packed_command(command, check_health)


@pytest.fixture
def redis() -> Redis:
    """Return a client of the tests' Redis."""
    return get_redis_connection("default")


@pytest.fixture
def counted() -> Iterator[tuple[Redis, Callable[[], int]]]:
    """Return a client, and a function that returns the number of its round trips since the last call."""
    pool = ConnectionPool.from_url(settings.REDIS_URL, connection_class=CountingConnection)
    client = Redis(connection_pool=pool)
    client.ping()
    CountingConnection.sent = 0

    def count() -> int:
        made, CountingConnection.sent = CountingConnection.sent, 0
        return made

    yield client, count
    pool.disconnect()


@pytest.fixture
def make_name(redis: Redis) -> Iterator[Callable[[], str]]:
    """Return a function that makes unique names of locks, whose keys are deleted afterwards."""
    made: list[str] = []

    def make() -> str:
        made.append(lock_name("copy", uuid4(), uuid4()))
        return made[-1]

    yield make
    for name in made:
        redis.delete(*keys_of(name))


@pytest.fixture
def name(make_name: Callable[[], str]) -> str:
    """Return a unique name of a lock."""
    return make_name()


@pytest.fixture
def make_lock(redis: Redis, name: str) -> Callable[..., FairLock]:
    """Return a maker of locks, all of one name."""

    def make(*, holder: Holder = ROBIN, ttl: float = 10.0) -> FairLock:
        return FairLock(redis, name, holder=holder, ttl=ttl)

    return make


@pytest.fixture
def sabotage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that replaces one piece of the script that takes locks."""

    def put(piece: str, other: str) -> None:
        assert lua_scripts.TAKE.text.count(piece) == 1
        broken = script_of(TAKE.text.replace(piece, other))
        monkeypatch.setattr(fair_lock, "TAKE", broken)
        monkeypatch.setattr(many_locks, "TAKE", broken)

    return put


@pytest.fixture
def unknown_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the scripts so that the server does not know them, as after a restart; those of other tests stay known."""
    for script in ("TAKE", "EXTEND", "RELEASE"):
        unseen = script_of(f"{getattr(lua_scripts, script).text}\n-- {uuid4()}")
        monkeypatch.setattr(fair_lock, script, unseen)
        monkeypatch.setattr(many_locks, script, unseen)


class OtherProcess:
    """A Python process that runs ``code`` and prints ``ready`` when it has reached the wanted point."""

    def __init__(self, code: str, *arguments: str) -> None:
        environment = {
            **os.environ,
            "REDIS_URL": settings.REDIS_URL,
            "DJANGO_SETTINGS_MODULE": "partner_engine.settings",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def go_on(self) -> None:
        """Let it continue to its end."""
        self._process.communicate("\n", timeout=PATIENCE)

    def kill(self) -> None:
        """Kill it without a chance to clean up."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=PATIENCE)


@pytest.fixture
def other_process() -> Iterator[Callable[..., OtherProcess]]:
    """Return a starter of other processes, which end with the test."""
    started: list[OtherProcess] = []

    def start(code: str, *arguments: str) -> OtherProcess:
        started.append(OtherProcess(code, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()
