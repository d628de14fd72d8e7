"""The fixtures of fault tests: servers that may be killed, a process that forks, a database with forms, a seed.

``FAULT_SEED`` repeats a run.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest

from house.place import CHECKOUT
from tests.harness.faults import invariants
from tests.harness.faults.servers import Servers, running
from tests.harness.faults.trials import ForkServer, Report, Trial, forking

FORMS: Final = 8


@dataclass
class World:
    """One database with a tenant, its catalogue and forms, and the ways to work on it."""

    servers: Servers
    forks: ForkServer
    database: str
    forms: list[str]

    def fork(self, work: str, *, port: int | None = None, **arguments: Any) -> Trial:
        """Run ``work`` in a fork, directly or through the proxy at ``port``."""
        return self.forks.fork(work, database=self.database, port=port or self.servers.ports[0], **arguments)

    def do(self, work: str, **arguments: Any) -> list[Report]:
        """Run ``work`` in a fork to its end; return its reports."""
        trial = self.fork(work, **arguments)
        trial.finish()
        return trial.reports

    def connect(self) -> psycopg.Connection[Any]:
        """Open a separate connection for the test."""
        return self.servers.connect(self.database)

    def violations(self, acknowledged: list[Report], *, is_keyed: bool = True) -> list[str]:
        """Return the broken invariants of this database."""
        with self.connect() as connection:
            return invariants.violations(connection, acknowledged, is_keyed=is_keyed)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Return PostgreSQL and Redis that may be killed; tests leave them running."""
    with running() as servers:
        yield servers


@pytest.fixture(scope="session")
def forks(servers: Servers) -> Iterator[ForkServer]:
    """Return the process that gives each trial a fork of itself."""
    with forking(servers) as forks:
        yield forks


@pytest.fixture
def world(servers: Servers, forks: ForkServer) -> World:
    """Return a new database with forms at version 1."""
    world = World(servers, forks, servers.new_database(), [])
    world.forms = world.do("scenarios:make_forms", count=FORMS)[0]["forms"]
    return world


@pytest.fixture
def chance(servers: Servers) -> random.Random:
    """Return the run's random generator; seed and environment are printed when the test fails."""
    seed = int(os.environ.get("FAULT_SEED") or secrets.randbelow(1_000_000))
    with servers.connect("postgres") as connection:
        query = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
        fsync, synchronous_commit = connection.execute(query).fetchone() or ("", "")
    told = f"FAULT_SEED={seed} git={_commit()} fsync={fsync} synchronous_commit={synchronous_commit}\n"
    sys.stdout.write(told)
    return random.Random(seed)


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
