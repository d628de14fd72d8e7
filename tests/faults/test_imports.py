"""Workers are killed at each step of an import: every accepted row becomes exactly one form."""

from __future__ import annotations

import random
import signal
from typing import Any, Final

import psycopg
import pytest

from failpoints import IMPORTING
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
ROWS: Final = 12
CHUNK: Final = 5
#: Points that a chunk passes once, and those that it passes once for each form.
OF_CHUNK: Final = (
    "operation_claimed", "lock_extended", "write_sending", *IMPORTING, "written", "moved_on", "hint_sending",
    "operation_chunk_ended",
)  # fmt: skip
OF_FORM: Final = ("before_save", "rules_fired", "compared", "emitted", "assembled")
QUICK: Final = ("import_recorded", "written")
FOUND: Final = "SELECT reference, count(*) FROM forms_applicationform WHERE reference <> '' GROUP BY 1 ORDER BY 1"
ITEMS: Final = "SELECT state, count(*), count(DISTINCT copy_id) FROM operations_operationitem GROUP BY 1"
WITHOUT_COPY: Final = """
SELECT count(*) FROM operations_operationitem i WHERE NOT EXISTS (SELECT FROM copies_copy c WHERE c.id = i.copy_id)"""


def import_killed_at(world: World, failpoint: str, *, nth: int, worse: str = "") -> list[str]:
    """Kill a worker at ``failpoint`` and let another one end the import; return the broken promises."""
    operation = world.do("import_trials:submit", rows=ROWS)[0]["operation"]
    how = {"operation": operation, "chunk": CHUNK, "worse": worse}
    killed = world.fork("import_trials:work", failpoint=failpoint, nth=nth, **how)
    status = killed.finish()
    ended = world.do("import_trials:work", **how)
    wrong = [] if status == -signal.SIGKILL else [f"came past {failpoint}: {status}, {killed.reports}"]
    if ended != [{"ended": operation}]:
        wrong.append(f"it has not ended: {ended}")
    with world.connect() as connection:
        return wrong + what_is_wrong(connection)


def what_is_wrong(connection: psycopg.Connection[Any]) -> list[str]:
    wrong = []
    forms = dict(connection.execute(FOUND).fetchall())
    expected = {f"R-{number}": 1 for number in range(ROWS)}
    if forms != expected:
        wrong.append(f"forms: {forms}")
    if (items := connection.execute(ITEMS).fetchall()) != [("completed", ROWS, ROWS)]:
        wrong.append(f"items: {items}")
    row = connection.execute(WITHOUT_COPY).fetchone()
    if row != (0,):
        wrong.append(f"items without their copy: {row}")
    return wrong


@pytest.mark.parametrize(
    "failpoint", [pytest.param(name, marks=() if name in QUICK else FULL) for name in (*OF_CHUNK, *OF_FORM)]
)
def test_every_row_becomes_one_form_though_the_worker_was_killed(
    world: World, chance: random.Random, failpoint: str
) -> None:
    passes = ROWS if failpoint in OF_FORM else -(-ROWS // CHUNK)
    assert import_killed_at(world, failpoint, nth=chance.randint(1, passes)) == []


@FULL
@pytest.mark.parametrize(
    ("worse", "failpoint"),
    [("forms without the ids of their items", "written"), ("items taken for made", "write_sending")],
)
def test_kills_find_a_sabotaged_import(world: World, worse: str, failpoint: str) -> None:
    assert import_killed_at(world, failpoint, nth=1, worse=worse) != []
