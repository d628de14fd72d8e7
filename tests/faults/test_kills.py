"""Saving processes are killed at any instant (F1) and at each failpoint (F2): a save is stored completely or not at
all.
"""

from __future__ import annotations

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from failpoints import SAVING
from tests.harness.faults.trials import Report
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
TTL: Final = 1.0
#: The seconds from a process's last report to its kill.
LONGEST_LIFE: Final = 0.04


def kill_at_random(world: World, chance: random.Random, *, kills: int, sabotage: str = "") -> list[str]:
    """Kill saving processes at random instants; return the broken promises."""
    acknowledged: list[Report] = []
    for number in range(kills):
        form = world.forms[number % len(world.forms)]
        trial = world.fork("scenarios:save_until_killed", form=form, label=str(number), ttl=TTL, sabotage=sabotage)
        # Some die in their first save, which takes longest, some in a later one, on machines of any speed.
        for _ in range(chance.choice([1, 2, 3])):
            trial.next_report()
        time.sleep(chance.uniform(0, LONGEST_LIFE))
        trial.send(signal.SIGKILL)
        assert trial.finish() == -signal.SIGKILL, trial.reports
        acknowledged += trial.reports
    saves = sum("version" in report for report in acknowledged)
    assert sabotage or saves >= kills / 2, "too few saves to tell anything"
    return world.violations(acknowledged)


@pytest.mark.parametrize("kills", [25, pytest.param(500, marks=FULL)])
def test_a_kill_at_any_instant_leaves_whole_saves(world: World, chance: random.Random, kills: int) -> None:
    assert kill_at_random(world, chance, kills=kills) == []


@pytest.mark.parametrize(
    "sabotage",
    [
        pytest.param("in_pieces", marks=FULL),
        pytest.param("outbox_after", marks=FULL),
        pytest.param("uncommitted", marks=pytest.mark.slow),
    ],
)
def test_kills_find_a_writer_that_is(world: World, chance: random.Random, sabotage: str) -> None:
    assert kill_at_random(world, chance, kills=40, sabotage=sabotage) != []


@pytest.mark.slow
def test_kills_find_nothing_in_a_careful_writer(world: World, chance: random.Random) -> None:
    assert kill_at_random(world, chance, kills=10, sabotage="careful") == []


def kill_at(
    world: World, failpoint: str, *, form: str, label: str, sabotage: str = ""
) -> tuple[list[Report], list[str]]:
    """Kill a save at ``failpoint``, then let a rival save the same form; return their reports and the faults."""
    trial = world.fork("scenarios:save_one", form=form, label=label, ttl=TTL, failpoint=failpoint, sabotage=sabotage)
    status = trial.finish()
    began = time.monotonic()
    rival = world.do("scenarios:save_one", form=form, label=f"{label} rival", ttl=TTL, sabotage=sabotage)
    waited = time.monotonic() - began
    wrong = [] if status == -signal.SIGKILL else [f"{label} came past {failpoint}: {status}"]
    if waited > TTL + 15.0:
        wrong.append(f"{label}: the rival waited {waited:.1f} s for the lock of the dead")
    is_saved = SAVING.index(failpoint) >= SAVING.index("written")
    versions = [report["version"] for report in rival if "version" in report]
    again = world.do("scenarios:save_one", form=form, label=label, ttl=TTL, sabotage=sabotage)
    if [report.get("repeated", False) for report in again] != [is_saved]:
        wrong.append(f"{label} at {failpoint}: {trial.reports}, rival {versions}, asked again {again}")
    return [*trial.reports, *rival, *again], wrong


def kill_everywhere(world: World, *, rounds: int, sabotage: str = "") -> list[str]:
    """Kill saves at each failpoint, ``rounds`` times, on all forms at once; return the broken promises."""
    passed = [name for name in SAVING if name != "index_written"]
    orders = [(name, number) for number in range(rounds) for name in passed]

    def on_form(place: int) -> tuple[list[Report], list[str]]:
        reports, wrong = [], []
        for name, number in orders[place :: len(world.forms)]:
            found = kill_at(world, name, form=world.forms[place], label=f"{name} {number}", sabotage=sabotage)
            reports += found[0]
            wrong += found[1]
        return reports, wrong

    with ThreadPoolExecutor(len(world.forms)) as pool:
        found = list(pool.map(on_form, range(len(world.forms))))
    wrong = [sentence for _, sentences in found for sentence in sentences]
    return wrong + world.violations([report for reports, _ in found for report in reports])


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=FULL)])
def test_a_kill_at_each_failpoint_leaves_the_old_state_or_the_new(world: World, rounds: int) -> None:
    assert kill_everywhere(world, rounds=rounds) == []


def test_failpoints_find_a_writer_that_does_not_commit(world: World) -> None:
    assert kill_everywhere(world, rounds=1, sabotage="uncommitted") != []


def start_everywhere(world: World, *, rounds: int, sabotage: str = "") -> list[str]:
    """Kill starts of forms at each failpoint; after a repetition, each form exists once."""
    wrong, acknowledged = [], []
    # Only with a tenant's own database the shared index has its own failpoint; otherwise it is part of the save.
    passed = [name for name in SAVING if not name.startswith("lock_") and name not in ("loaded", "index_written")]
    for label in (f"{name} {number}" for number in range(rounds) for name in passed):
        failpoint = label.partition(" ")[0]
        trial = world.fork("scenarios:start_one", label=label, failpoint=failpoint, sabotage=sabotage)
        if trial.finish() != -signal.SIGKILL:
            wrong.append(f"{label} was not killed: {trial.reports}")
        again = world.do("scenarios:start_one", label=label, sabotage=sabotage)
        acknowledged += [*trial.reports, *again]
        is_saved = SAVING.index(failpoint) >= SAVING.index("written")
        if [report.get("repeated", False) for report in again] != [is_saved]:
            wrong.append(f"{label}: asked again {again}")
    with world.connect() as connection:
        forms, titles = connection.execute("SELECT count(*), count(DISTINCT title) FROM copies_copy").fetchone() or (
            0,
            0,
        )
    if not forms == titles == len(world.forms) + rounds * len(passed):
        wrong.append(f"{forms} forms of {titles} titles")
    return wrong + world.violations(acknowledged)


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=FULL)])
def test_a_form_killed_at_its_start_is_stored_completely_or_not_at_all(world: World, rounds: int) -> None:
    assert start_everywhere(world, rounds=rounds) == []


@FULL
def test_starts_find_a_writer_that_does_not_commit(world: World) -> None:
    assert start_everywhere(world, rounds=1, sabotage="uncommitted") != []
