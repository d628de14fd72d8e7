"""Processes are killed between the two databases of a new form: the shared index and the tenant's own (F11)."""

from __future__ import annotations

import random
import signal
from typing import Final

import pytest

from tests.harness.faults.servers import Servers
from tests.harness.faults.trials import ForkServer, Report
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
TENANTS: Final = ("north", "south")
#: Before the entry, between the two databases, after both.
POINTS: Final = ("assembled", "index_written", "write_sending", "written")


@pytest.fixture
def two_databases(servers: Servers, forks: ForkServer) -> World:
    """Return a shared database, and two tenants with databases of their own."""
    world = World(servers, forks, servers.new_database(), [])
    world.tenant_databases = {alias: servers.new_tenant_database() for alias in TENANTS}
    assert world.do("tenant_trials:add_tenants", aliases=list(TENANTS)) == [{"added": True}]
    return world


def kill_between(world: World, chance: random.Random, *, kills: int) -> list[Report]:
    """Kill starts of forms, most of them between the two databases; repeat every third; return what was reported."""
    acknowledged: list[Report] = []
    for number in range(kills):
        tenant, label = TENANTS[number % 2], f"{TENANTS[number % 2]} {number}"
        point = chance.choice([*POINTS, "index_written", "write_sending"])
        trial = world.fork("tenant_trials:start_at", tenant=tenant, label=label, failpoint=point)
        assert trial.finish() == -signal.SIGKILL, trial.reports
        if number % 3 == 0:
            acknowledged += world.do("tenant_trials:start_at", tenant=tenant, label=label)
    return acknowledged


def orphans(world: World, acknowledged: list[Report]) -> list[str]:
    """Return the copies without an entry, the entries without a copy, and acknowledged forms that are missing."""
    with world.connect() as shared:
        indexed = {
            (copy, tenant)
            for copy, tenant in shared.execute(
                "SELECT i.copy_id::text, t.code FROM copies_copyindex i JOIN tenants_tenant t ON t.id = i.tenant_id"
            )
        }
    stored = set()
    for tenant in TENANTS:
        with world.connect(tenant) as own:
            stored |= {(copy, tenant) for (copy,) in own.execute("SELECT id::text FROM copies_copy")}
            repeated = own.execute("SELECT title FROM copies_copy GROUP BY title HAVING count(*) > 1").fetchall()
            assert repeated == [], "a start under one key made two forms"
    missing = {report["form"] for report in acknowledged} - {copy for copy, _ in stored}
    return [
        *(f"copy {copy} of {tenant} has no entry" for copy, tenant in sorted(stored - indexed)),
        *(f"entry {copy} of {tenant} has no copy" for copy, tenant in sorted(indexed - stored)),
        *(f"acknowledged and lost: {form}" for form in sorted(missing)),
    ]


@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=FULL)])
def test_after_the_sweep_there_is_no_orphan_either_way(two_databases: World, chance: random.Random, kills: int) -> None:
    acknowledged = kill_between(two_databases, chance, kills=kills)

    before = orphans(two_databases, acknowledged)
    (swept,) = two_databases.do("tenant_trials:sweep_index")

    # A copy is never without its entry, not even before the sweep.
    assert all(sentence.startswith("entry ") for sentence in before)
    assert swept == {"missing": 0, "without_copy": len(before)}
    assert before != [], "no kill hit the gap, so this proves nothing"
    assert orphans(two_databases, acknowledged) == []
