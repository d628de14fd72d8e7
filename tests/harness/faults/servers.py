"""PostgreSQL and Redis that tests may kill: on private ports, restarted with their data, deleted afterwards.

They are those of ``house.servers``, one instance per test process. Databases are cloned from a migrated
template, which takes a tenth of a second. ``synchronous_commit`` is on, or a restart would rightly lose saves.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from house.checks import TEST_PREFIX, finished_template
from house.leftovers import Leftovers
from house.place import RUN, locked
from house.servers import MIGRATED, TENANT_MIGRATED, Instance
from house.supervisor import Child, Supervisor

TEMPLATE: Final = "template_of_faults"
PATIENCE: Final = 20.0


class _Keeper(Supervisor):
    """A supervisor that handles no signals and remembers the process that it started last."""

    last: Child

    def start(self, *arguments: Any, **named: Any) -> Child:
        """Start a process and remember it."""
        self.last = super().start(*arguments, **named)
        return self.last


class Servers:
    """The two servers of one test process; made by ``running``."""

    def __init__(self, instance: Instance) -> None:
        """Prepare the servers; ``start`` starts them."""
        self._instance = instance
        record = Leftovers(instance.folder / "processes.json")
        self._postgresql, self._redis = _Keeper(record=record), _Keeper(record=record)
        self._names = count(1)
        self._made: list[str] = []
        self.database_url = self.redis_url = ""

    def start(self) -> None:
        """Start both servers, with commits that wait for the log."""
        self.start_postgresql()
        self.start_redis()
        with self.connect("postgres") as connection:
            connection.execute("ALTER ROLE CURRENT_USER SET synchronous_commit = on")
            connection.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE {MIGRATED}")

    def start_postgresql(self) -> None:
        """Start PostgreSQL at its port, with the data that it has."""
        urls = self._instance.start(self._postgresql, database=True, redis=False)
        self.database_url = urls["DATABASE_URL"]

    def start_redis(self) -> None:
        """Start Redis at its port, empty."""
        self.redis_url = self._instance.start(self._redis, database=False, redis=True)["REDIS_URL"]

    def kill_postgresql(self) -> None:
        """Stop PostgreSQL at once, as a crash would: the next start recovers from the log."""
        _end(self._postgresql, signal.SIGQUIT)

    def kill_redis(self) -> None:
        """Kill Redis; it forgets everything."""
        _end(self._redis, signal.SIGKILL)

    def stop(self) -> None:
        """Stop both."""
        self._postgresql.stop_all()
        self._redis.stop_all()

    def new_database(self, template: str = TEMPLATE) -> str:
        """Clone the template; return the database's name."""
        name = f"faults_{next(self._names)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        self._made.append(name)
        return name

    @property
    def databases(self) -> tuple[str, ...]:
        """Return the databases that tests made, the oldest first."""
        return tuple(self._made)

    def drop_databases(self, *, kept: int = 0) -> None:
        """Drop the databases that tests made but the oldest ``kept``, also while they are used. Dropped before the
        system writes them to disk, they cost next to nothing; deleting those of all tests in the end takes minutes.
        """
        with self.connect("postgres") as connection:
            while len(self._made) > kept:
                # The server's own workers may be in a database for a moment, and nobody may end them.
                with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                    connection.execute(f"DROP DATABASE {self._made[-1]} WITH (FORCE)")
                    self._made.pop()

    def new_tenant_database(self) -> str:
        """Clone an empty database of tenants; return its name."""
        return self.new_database(TENANT_MIGRATED)

    def url_of(self, database: str, *, port: int | None = None) -> str:
        """Return the URL of ``database``, directly or through the proxy at ``port``."""
        parts = urlsplit(self.database_url)
        host = f"127.0.0.1:{port or parts.port}"
        return parts._replace(netloc=f"{parts.username}:{parts.password}@{host}", path=f"/{database}").geturl()

    @property
    def ports(self) -> tuple[int, int]:
        """Return the ports of PostgreSQL and Redis."""
        return urlsplit(self.database_url).port or 0, urlsplit(self.redis_url).port or 0

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Open a connection for the test that sees the rows of all tenants."""
        url = self.url_of(database).replace("postgres://", "postgresql://", 1)
        return psycopg.connect(url, autocommit=True, options="-c partner_engine.tenant=*")


@contextmanager
def running() -> Iterator[Servers]:
    """Run servers for the block and delete their data after it."""
    name = f"{TEST_PREFIX}faults-{os.getpid()}"
    with locked(RUN / f"{name}.lock", wait=True):
        instance = Instance(name, is_durable=False, template=finished_template())
        servers = Servers(instance)
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()
            instance.delete()
            (RUN / f"{name}.lock").unlink(missing_ok=True)


def _end(keeper: _Keeper, number: int) -> None:
    keeper.last.process.send_signal(number)
    keeper.last.process.wait(PATIENCE)
    keeper.forget(keeper.last)
