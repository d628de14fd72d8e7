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
from typing import Final

import pytest

from house.place import CHECKOUT
from tests.harness.faults.servers import Servers, running
from tests.harness.faults.trials import ForkServer, forking
from tests.harness.faults.world import World

FORMS: Final = 8


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


@pytest.fixture(autouse=True)
def databases_of_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drop the databases that a test made on the servers that may be killed. Those of fixtures that serve several tests
    were made before, and stay.
    """
    servers = request.getfixturevalue("servers") if "servers" in request.fixturenames else None
    kept = 0 if servers is None else len(servers.databases)
    yield
    if servers is not None:
        servers.drop_databases(kept=kept)


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
