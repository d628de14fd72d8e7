"""Workers are killed while a release is carried through the open copies: each copy is decided, and decided once."""

from __future__ import annotations

import random
import signal
import time
from typing import Final

import pytest

from failpoints import DECIDING
from tests.harness.faults.world import World
from tests.harness.tiers import PATIENCE

FULL: Final = pytest.mark.fault
KILLS: Final = 5
#: Points of a run, of the save in it, and of the relay that drives it.
POINTS: Final = (*DECIDING, "rules_fired", "write_sending", "written", "hint_sent", "action_ran")


@pytest.mark.parametrize(
    ("times", "chunk"),
    [
        pytest.param(3, 4, id="32 copies"),
        pytest.param(7, 10, id="64 copies", marks=pytest.mark.slow),
        pytest.param(1_249, 200, id="10,000 copies", marks=[FULL, pytest.mark.slow]),
    ],
)
def test_a_publish_reaches_every_open_copy_although_it_is_killed_five_times(
    world: World, chance: random.Random, times: int, chunk: int
) -> None:
    world.do("decision_trials:multiply", times=times)
    with world.connect() as connection:
        connection.execute("DELETE FROM actions_outboxaction")
    world.do("decision_trials:publish_declining", most_cats=10)

    # All that the kills let through is less than there is to decide; at ``action_ran`` a whole part is done.
    for point in sorted(chance.sample(POINTS, KILLS), key="action_ran".__eq__):
        nth = chance.randint(1, 2) if point in DECIDING else 1
        worker = world.fork("decision_trials:decide_until_killed", failpoint=point, nth=nth, chunk=chunk)
        assert worker.finish(seconds=120.0) == -signal.SIGKILL, (point, worker.reports)
        time.sleep(1.1)  # the lease of the killed worker
    copies = 8 * (times + 1)
    # Copies are decided at once, without a report in between.
    ended = world.do("decision_trials:decide_until_killed", chunk=chunk, silence=PATIENCE + copies / 20)[-1]

    assert (ended["failed"], ended["dead"]) == (0, 0), ended
    (compared,) = world.do("decision_trials:compare")
    assert compared == {"copies": copies, "versions": 2 * copies, "open_runs": 0, "wrong": [], "amount": 0}


def test_a_run_that_is_not_started_is_noticed(world: World) -> None:
    world.do("decision_trials:publish_declining", most_cats=10)

    (compared,) = world.do("decision_trials:compare")

    assert compared["amount"] > 0
    assert (compared["versions"], compared["open_runs"]) == (8, 0)
