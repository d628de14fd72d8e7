"""A tenant moves while it is worked on, and the move is killed at each of its steps."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from typing import Any, Final

import psycopg
import pytest
from uuid_utils.compat import uuid7

from failpoints import MOVING
from tests.harness.faults import invariants
from tests.harness.faults.relay_trials import EFFECTS, put
from tests.harness.faults.servers import Servers
from tests.harness.faults.tenant_trials import LEASE
from tests.harness.faults.trials import ForkServer, Report, Trial
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
OWN: Final = "own"
#: The failpoints that every move passes; the others belong to the way back, and to the end of the old rows.
PASSED: Final = tuple(name for name in MOVING if name != "move_old_rows_deleted")


@pytest.fixture
def leaving(servers: Servers, forks: ForkServer) -> World:
    """Return a world with four forms of a tenant of the shared database, and an empty database to move to."""
    world = World(servers, forks, servers.new_database(), [])
    world.tenant_databases = {OWN: servers.new_tenant_database()}
    world.forms = world.do("scenarios:make_forms", count=4)[0]["forms"]
    with world.connect() as connection:
        connection.execute(EFFECTS)
    return world


def of_tables(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Return the rows of the main tables as text."""
    tables = ("copies_copy", "copies_copyrevision", "actions_outboxaction", "forms_declination", "forms_quoterequest")
    query = "SELECT t::text FROM {} t ORDER BY 1"
    return {table: [row[0] for row in connection.execute(query.format(table))] for table in tables}


def merged_violations(world: World, acknowledged: list[Report]) -> list[str]:
    """Return the broken promises in the new database, with the index of the shared one."""
    with world.connect() as shared, world.connect(OWN) as own:
        indexed = [row[0] for row in shared.execute("SELECT copy_id FROM copies_copyindex")]
        own.execute("CREATE TEMPORARY TABLE copies_copyindex (copy_id uuid)")
        own.cursor().executemany("INSERT INTO copies_copyindex VALUES (%s)", [(copy,) for copy in indexed])
        return invariants.violations(own, acknowledged, is_keyed=False)


@pytest.mark.parametrize("failpoint", [
    pytest.param(name, marks=() if name in ("move_changes_repeated", "move_switched") else FULL) for name in PASSED
])  # fmt: skip
def test_a_killed_move_goes_on_and_ends_with_the_same_rows(leaving: World, failpoint: str) -> None:
    with leaving.connect() as shared:
        before = of_tables(shared)
    saved: list[Report] = []
    killed = leaving.fork("tenant_trials:move_tenant", to=OWN, failpoint=failpoint, chunk=3)
    assert killed.finish() == -signal.SIGKILL, killed.reports
    if failpoint in ("move_target_prepared", "move_source_prepared", "move_chunk_copied"):
        # People go on working where they are.
        saved = leaving.do("scenarios:save_one", form=leaving.forms[0], label="meanwhile", ttl=0.3)
        assert "version" in saved[0], saved

    ended = leaving.do("tenant_trials:move_tenant", to=OWN)

    assert ended[-1] == {"moved": OWN}, ended
    with leaving.connect(OWN) as own:
        after = of_tables(own)
    assert saved or after == before
    assert merged_violations(leaving, saved) == []
    again = leaving.do("scenarios:save_one", form=leaving.forms[1], label="afterwards", ttl=0.3)
    assert merged_violations(leaving, [*saved, *again]) == [] and "version" in again[0], again


@pytest.mark.parametrize("failpoint", ["move_switched", pytest.param("move_led", marks=FULL)])
def test_a_switch_whose_process_was_killed_is_finished_by_the_sweep(leaving: World, failpoint: str) -> None:
    killed = leaving.fork("tenant_trials:move_tenant", to=OWN, failpoint=failpoint)
    assert killed.finish() == -signal.SIGKILL, killed.reports

    assert leaving.do("tenant_trials:finish_switches", alias="default") == [{"finished": 1}]

    saved = leaving.do("scenarios:save_one", form=leaving.forms[0], label="afterwards", ttl=0.3)
    assert merged_violations(leaving, saved) == [] and "version" in saved[0], saved


def move_under_load(world: World, chance: random.Random, *, kills: int, worse: str = "") -> list[str]:
    """Move the tenant while writers and the relay work, killing the move ``kills`` times; return broken promises."""
    bells = [uuid7() for _ in range(40)]
    with world.connect() as shared:
        for number, bell in enumerate(bells):
            put(shared, action=bell, bell=f"bell {number}", copy=uuid7())
    writers = [
        world.fork("tenant_trials:write_beside_a_move", form=form, label=f"w{place}")
        for place, form in enumerate(world.forms)
    ]
    workers = [world.fork("tenant_trials:relay_beside_a_move", aliases=["default", OWN], rest=0.2) for _ in range(2)]
    for trial in (*writers, *workers):
        trial.next_report()
    time.sleep(0.5)
    for _ in range(kills):
        _kill_a_move(world, chance, worse)
    ended = world.do("tenant_trials:move_tenant", to=OWN, worse=worse)
    ends = time.monotonic() + (2 if worse else 15)
    for writer in writers:
        _wait_until_saved_there(writer, ends)
    acknowledged = [report for writer in writers for report in _dismiss(writer)]
    _wait_until_rung(world, len(bells), seconds=20)
    relayed = [report for worker in workers for report in _dismiss(worker)]
    wrong = [f"ended early: {report}" for report in (*acknowledged, *relayed) if "error" in report]
    wrong += [] if ended[-1:] == [{"moved": OWN}] else [f"the move ended with {ended}"]
    saves = [report for report in acknowledged if "version" in report]
    if not {report["at"] for report in saves} >= {"default", OWN}:
        wrong.append("no save before or none after the move, so this proves nothing")
    return [*wrong, *_of_bells(world, bells), *merged_violations(world, saves)]


def _wait_until_saved_there(writer: Trial, ends: float) -> None:
    """Let the writer go on until it has saved in the new database, which a worse move may prevent."""
    while time.monotonic() < ends:
        report = writer.next_report()
        if report is None or ("version" in report and report["at"] == OWN):
            return


def _kill_a_move(world: World, chance: random.Random, worse: str) -> None:
    trial = world.fork("tenant_trials:move_tenant", to=OWN, worse=worse)
    trial.next_report()
    time.sleep(chance.uniform(0.05, 1.0))
    trial.send(signal.SIGKILL)
    trial.finish()


def _dismiss(trial: Trial) -> list[Report]:
    trial.send(signal.SIGKILL)
    trial.finish()
    return trial.reports


def _wait_until_rung(world: World, bells: int, *, seconds: float) -> None:
    ends = time.monotonic() + seconds
    with world.connect() as shared:
        while time.monotonic() < ends:
            row = shared.execute("SELECT count(DISTINCT action) FROM effects").fetchone()
            if row == (bells,):
                # A row that was leased while it moved would run again now.
                time.sleep(LEASE + 1)
                return
            time.sleep(0.1)


def _of_bells(world: World, bells: list[Any]) -> list[str]:
    with world.connect() as shared:
        rung = Counter(row[0] for row in shared.execute("SELECT action FROM effects"))
    return [f"{bell} was rung {rung[bell]} times" for bell in bells if rung[bell] != 1]


@pytest.mark.parametrize("kills", [pytest.param(1, marks=pytest.mark.slow), pytest.param(10, marks=FULL)])
def test_a_move_beside_writers_and_the_relay_loses_and_doubles_nothing(
    leaving: World, chance: random.Random, kills: int
) -> None:
    assert move_under_load(leaving, chance, kills=kills) == []


@FULL
@pytest.mark.parametrize("worse", [
    "changes forgotten", "nobody waits", "queues run on"
])  # fmt: skip
def test_a_worse_move_is_detected(leaving: World, chance: random.Random, worse: str) -> None:
    assert move_under_load(leaving, chance, kills=0, worse=worse) != []
