"""Workers are killed during a guarded release, and two work on it at once: it ends as it should."""

from __future__ import annotations

import random
import signal
import time
from typing import Any, Final

import pytest

from failpoints import GUARDING
from tests.harness.faults.world import World

pytestmark = pytest.mark.fault

KILLS: Final = 6
POINTS: Final = (*GUARDING, "decided_chunk", "decisions_noted", "written", "action_ran")
LEASE_SECONDS: Final = 1.1


def figures(copies: int, declined: int) -> dict[str, Any]:
    """Return what is forecast, and measured, for a book of ``copies`` of which some are declined: each of them leaves
    PA-CARE for 300 and opens WO-CARE for 900.
    """
    flips = {"PA-CARE: eligible to decline": declined, "WO-CARE: locked to eligible": declined}
    return {"copies": copies, "flips": flips, "moved": 600 * declined, "premium": 300 * copies}


#: Two books of six copies, half of them with too many cats, and that of the world: two measures of each.
FIGURES: Final = [[figures(6, 3)] * 2, [figures(6, 3)] * 2, [figures(8, 8)] * 2]
ENDED: Final = {
    "state": "done",
    "is_settled": True,
    "tenants": ["decided"] * 3,
    "releases": ["new"] * 3,
    "figures": FIGURES,
    "wrong": [],
    "versions": 2,
}


def work_to_the_end(world: World) -> dict[str, Any]:
    """Work without kills; return what is there then."""
    time.sleep(LEASE_SECONDS)
    ended = world.do("roll_out_trials:work_until_killed")[-1]
    assert (ended["failed"], ended["dead"]) == (0, 0), ended
    (found,) = world.do("roll_out_trials:look")
    return found


def test_a_roll_out_that_is_killed_again_and_again_ends_current_for_all(world: World, chance: random.Random) -> None:
    world.do("roll_out_trials:begin", most_cats=10, copies=6)
    kills = 0
    for _ in range(KILLS):
        point, nth = chance.choice(POINTS), chance.randint(1, 2)
        worker = world.fork("roll_out_trials:work_until_killed", failpoint=point, nth=nth)
        kills += worker.finish(seconds=120.0) == -signal.SIGKILL
        time.sleep(LEASE_SECONDS)

    found = work_to_the_end(world)

    assert kills > 0
    assert found == ENDED


def test_two_workers_at_once_do_each_step_once(world: World) -> None:
    world.do("roll_out_trials:begin", most_cats=10, copies=6)

    workers = [world.fork("roll_out_trials:work_until_killed") for _ in range(2)]
    for worker in workers:
        worker.finish(seconds=120.0)

    assert work_to_the_end(world) == ENDED


def overtake(world: World, *, nth: int, changes: int, worse: str = "") -> dict[str, Any]:
    """Stop a worker before it writes its step number ``nth``, let another one make ``changes``, and the first one go
    on; return what is there in the end.
    """
    world.do("roll_out_trials:begin", most_cats=10, copies=6)
    order = {"worse": worse}
    late = world.fork(
        "roll_out_trials:work_until_killed", failpoint="roll_out_changing", nth=nth, action="stop", **order
    )
    late.wait_until_stopped()
    time.sleep(LEASE_SECONDS)
    rival = world.fork("roll_out_trials:work_until_killed", failpoint="roll_out_changed", nth=changes, **order)
    assert rival.finish(seconds=120.0) == -signal.SIGKILL
    late.send(signal.SIGCONT)
    late.finish(seconds=120.0)
    return work_to_the_end(world)


def test_a_step_that_was_overtaken_is_not_written(world: World) -> None:
    assert overtake(world, nth=1, changes=14) == ENDED


def test_a_worker_that_ignores_what_others_wrote_is_found(world: World) -> None:
    found = overtake(world, nth=1, changes=14, worse="ignores the revision")

    assert found["figures"] != FIGURES


def test_an_order_to_take_back_is_carried_out_although_workers_are_killed(world: World, chance: random.Random) -> None:
    world.do("roll_out_trials:begin", most_cats=10, copies=6)
    worker = world.fork("roll_out_trials:work_until_killed", failpoint="roll_out_changed", nth=chance.randint(6, 10))
    assert worker.finish(seconds=120.0) == -signal.SIGKILL
    world.do("roll_out_trials:take_back")
    worker = world.fork("roll_out_trials:work_until_killed", failpoint=chance.choice(POINTS))
    worker.finish(seconds=120.0)

    found = work_to_the_end(world)

    assert (found["state"], found["is_settled"]) == ("taken_back", True)
    assert (found["releases"], found["wrong"]) == (["former"] * 3, [])
