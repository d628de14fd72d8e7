"""Each call to PostgreSQL and Redis fails once, in each way, until a run has no fault left (F3)."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from tests.harness.faults.calls import MODES
from tests.harness.faults.trials import Report
from tests.harness.faults.world import World

TTL: Final = 0.3
#: More calls than any save makes.
MOST_CALLS: Final = 60
#: The errors that a caller of the batch may get; the API responds to each with 409 or 503.
REFUSALS: Final = {"OperationalError", "LockNotAcquired"}


def fail_each(world: World, mode: str, *, form: str, sabotage: str) -> tuple[list[Report], list[str], int]:
    """Fail one call after the other in ``mode``, each time repeat without a fault; return the reports, the faults, and
    the number of calls. ``form`` is empty for starts.
    """
    reports: list[Report] = []
    wrong: list[str] = []
    for number in range(1, MOST_CALLS):
        label = f"{mode} {number}" if form else f"start, {mode} {number}"
        order = {"form": form, "label": label, "ttl": TTL, "sabotage": sabotage}
        trial = world.fork("scenarios:fail_call", number=number, mode=mode, **order)
        status = trial.finish()
        made = [report["calls"] for report in trial.reports if "calls" in report]
        reports += trial.reports
        if made and len(made[0]) < number:
            return reports, wrong, len(made[0])
        errors = {report["error"] for report in trial.reports if "error" in report}
        if errors - REFUSALS or status not in (0, -signal.SIGKILL):
            wrong.append(f"{label}: {trial.reports}")
        again = world.do("scenarios:fail_call", number=0, mode=mode, **order)
        reports += again
        if not any("version" in report for report in again):
            wrong.append(f"{label}: asked again {again}")
    return reports, [*wrong, f"{mode}: no run came through in {MOST_CALLS}"], MOST_CALLS


def fail_everywhere(world: World, *, starts: bool, sabotage: str = "") -> list[str]:
    """Fail each call in each mode; return the broken promises."""

    def of_mode(place: int) -> tuple[list[Report], list[str], int]:
        return fail_each(world, MODES[place], form="" if starts else world.forms[place], sabotage=sabotage)

    with ThreadPoolExecutor(len(MODES)) as pool:
        found = list(pool.map(of_mode, range(len(MODES))))
    counts = [calls for _, _, calls in found]
    wrong = [sentence for _, sentences, _ in found for sentence in sentences]
    if min(counts) < 3 or max(counts) != min(counts):
        wrong.append(f"the runs made {counts} calls")
    reports = [report for reported, _, _ in found for report in reported]
    return wrong + world.violations(reports)


@pytest.mark.parametrize("starts", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["save", "start"])
def test_each_call_may_fail_in_each_way(world: World, starts: bool) -> None:
    assert fail_everywhere(world, starts=starts) == []


@pytest.mark.fault
def test_failing_calls_find_a_writer_in_pieces(world: World) -> None:
    assert fail_everywhere(world, starts=False, sabotage="in_pieces") != []
