"""Clones are killed at each failpoint: all copies of the new form are stored, with their key, or none is."""

from __future__ import annotations

import signal
from typing import Final

import pytest

from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
COPIES: Final = 3
#: The failpoints that a clone passes; the first five once for each copy.
POINTS: Final = (
    "before_save", "rules_fired", "emitted", "responded", "assembled", "write_sending", "written", "moved_on",
    "hint_sending",
)  # fmt: skip


def kill_clones(world: World, *, kills: int, in_pieces: bool = False) -> list[str]:
    """Kill clones of forms with several copies, then repeat each under its key; return the broken promises."""
    wrong, clones = [], set[str]()
    sources = world.forms[:2]
    for source in sources:
        for _ in range(COPIES - 1):
            assert "copy" in world.do("scenarios:make_copy", form=source)[0]
    for number in range(kills):
        point, nth = POINTS[number % len(POINTS)], number // len(POINTS) % COPIES + 1
        asked = {"form": sources[number % 2], "label": f"clone {number}", "in_pieces": in_pieces}
        trial = world.fork("clone_trials:clone_at", failpoint=point, nth=nth, **asked)
        status = trial.finish()
        if status not in (-signal.SIGKILL, 0) or (status == 0 and nth == 1):
            wrong.append(f"{point}, time {nth}: {status}")
        again = world.do("clone_trials:clone_at", **asked)
        clones |= {report["form"] for report in again}
    with world.connect() as connection:
        stored = connection.execute(
            "SELECT f.id::text, count(c.id), count(i.copy_id) FROM forms_applicationform f"
            " LEFT JOIN copies_copy c ON c.application_form_id = f.id"
            " LEFT JOIN copies_copyindex i ON i.copy_id = c.id GROUP BY f.id"
        ).fetchall()
        loose = connection.execute(
            "SELECT count(*) FROM copies_copy WHERE application_form_id NOT IN (SELECT id FROM forms_applicationform)"
        ).fetchone()
    if loose != (0,):
        wrong.append(f"{loose} copies without a form")
    made = {form: counts for form, *counts in stored if form not in world.forms}
    if made.keys() != clones or len(clones) != kills:
        wrong.append(f"{len(made)} clones are stored, {len(clones)} were reported for {kills} keys")
    return wrong + [f"clone {form} has {counts}" for form, counts in made.items() if counts != [COPIES, COPIES]]


@pytest.mark.parametrize("kills", [6, pytest.param(18, marks=pytest.mark.slow), pytest.param(200, marks=FULL)])
def test_a_killed_clone_is_there_as_a_whole_or_not_at_all(world: World, kills: int) -> None:
    assert kill_clones(world, kills=kills) == []


@FULL
def test_kills_find_a_writer_that_commits_each_copy_alone(world: World) -> None:
    """The sabotaged writer passes ``write_sending`` once for each copy: a kill at the second splits the clone."""
    assert kill_clones(world, kills=18, in_pieces=True) != []
