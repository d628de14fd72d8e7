"""Workers are killed and stopped while an operation runs: every item ends once, each form is changed at most once."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest

from tests.harness.faults.trials import Trial
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
WORK: Final = "operation_trials:work_until_killed"
#: The counts of the operation, and of its items by state, as of one moment.
COUNTS: Final = """
SELECT o.total, o.completed, o.failed, o.cancelled, o.finished_at IS NOT NULL,
       count(i.id) FILTER (WHERE i.state = 'completed'), count(i.id) FILTER (WHERE i.state = 'failed'),
       count(i.id) FILTER (WHERE i.state = 'cancelled')
  FROM operations_batchoperation o JOIN operations_operationitem i ON i.operation_id = o.id
 WHERE o.id = %s GROUP BY o.id"""
#: Copies whose version does not follow from the end of their item: one more for a completed one, else the same.
WRONG_VERSIONS: Final = """
SELECT count(*) FROM operations_operationitem i JOIN copies_copy c ON c.id = (%s::uuid[])[i.number + 1]
 WHERE i.operation_id = %s AND c.version <> (%s::int[])[i.number + 1] + (i.state = 'completed')::int"""
EVENTS: Final = """
SELECT payload->>'event_type', (payload->'data'->>'progress_percent')::float FROM actions_outboxaction
 WHERE kind = 'publish_webhook' AND payload->>'subject' = %s ORDER BY created_at, id"""


class Watch:
    """What is seen of an operation while it runs."""

    def __init__(self, connection: psycopg.Connection[Any], operation: str) -> None:
        self.wrong: list[str] = []
        self.ended = 0
        self.is_finished = False
        self._connection = connection
        self._operation = operation

    def look(self) -> None:
        row = self._connection.execute(COUNTS, [self._operation]).fetchone()
        assert row is not None
        total, *rest = row
        stored, self.is_finished, counted = rest[:3], rest[3], rest[4:]
        if stored != counted:
            self.wrong.append(f"stored {stored}, counted {counted}")
        if sum(stored) < self.ended:
            self.wrong.append(f"progress went back from {self.ended} to {sum(stored)}")
        self.ended = sum(stored)
        if self.is_finished != (self.ended == total):
            self.wrong.append(f"finished: {self.is_finished} with {self.ended} of {total}")


def hire(world: World, **how: Any) -> Trial:
    worker = world.fork(WORK, **how)
    report = worker.next_report()
    assert report is not None and "started" in report, report
    return worker


@contextmanager
def workers(world: World, amount: int, **how: Any) -> Iterator[list[Trial]]:
    """Run ``amount`` workers; those in the list are killed at the end."""
    crew = [hire(world, **how) for _ in range(amount)]
    try:
        yield crew
    finally:
        for worker in crew:
            worker.send(signal.SIGKILL)
            worker.finish()


@dataclass(frozen=True, kw_only=True)
class Course:
    """The course of one operation over ``forms`` in chunks: how many workers are killed, when the rest is cancelled (as
    the share that has ended; None: never), how likely a worker is stopped besides, and for how many seconds at most.
    """

    forms: int
    chunk: int
    kills: int
    cancel_at: float | None = 0.6
    lease: float = 1.0
    rest: float = 0.05
    stops: float = 0.3
    worse: str = ""
    seconds: float = 300.0

    @property
    def how(self) -> dict[str, Any]:
        """Return the arguments of a worker."""
        return {"lease": self.lease, "chunk": self.chunk, "rest": self.rest, "worse": self.worse}

    def is_kill_due(self, killed: int, ended: int) -> bool:
        # The last ones leave a third of the items: a fast machine ends the rest between two looks.
        return killed < self.kills and 3 * ended * self.kills >= 2 * killed * self.forms * (self.cancel_at or 1.0)


def run_under_kills(world: World, chance: random.Random, course: Course) -> list[str]:
    """Let two workers run an operation; kill one of them again and again, and stop one now and then besides; cancel the
    rest, and retry what failed. Return the broken promises.
    """
    before, operation = submit(world, chance, course)
    with world.connect() as connection, workers(world, 2, **course.how) as crew:
        connection.autocommit = True
        watch = Watch(connection, operation)
        deadline = time.monotonic() + course.seconds
        killed, is_cancelled = 0, course.cancel_at is None
        while not watch.is_finished and time.monotonic() < deadline:
            time.sleep(chance.uniform(0.02, 0.15))
            watch.look()
            if course.is_kill_due(killed, watch.ended):
                killed += _kill(world, crew, chance, **course.how)
                if chance.random() < course.stops:
                    _stop(crew, chance, seconds=course.lease + 1.2)
            # While one worker stands still the other one may come far: the last kills come first.
            is_cancel_due = killed >= course.kills and watch.ended >= course.forms * (course.cancel_at or 1.0)
            if is_cancel_due and not is_cancelled:
                world.do("operation_trials:order", name="cancel", operation=operation)
                is_cancelled = True
        wrong = watch.wrong + what_is_wrong(connection, operation, before, watch)
        if not wrong and killed < course.kills:
            wrong.append(f"only {killed} of {course.kills} workers were killed")
        return wrong or retry_and_look(world, connection, operation, watch)


def submit(world: World, chance: random.Random, course: Course) -> tuple[dict[str, int], str]:
    """Make the missing forms and submit the operation, with items that will fail; return the versions of the forms, and
    the operation's id.
    """
    for missing in range(course.forms - len(forms_of(world)), 0, -100):
        world.do("scenarios:make_forms", count=min(100, missing))
    before = forms_of(world)
    assert len(before) == course.forms
    numbers = chance.sample(range(course.forms), k=course.forms * 8 // 100)
    invalid, transient = numbers[: course.forms * 3 // 100], numbers[course.forms * 3 // 100 :]
    submitted = world.do("operation_trials:submit", invalid=invalid, transient=transient)
    return before, submitted[0]["operation"]


def forms_of(world: World) -> dict[str, int]:
    """Return the version of each form's copy, in the order of the items."""
    with world.connect() as connection:
        query = "SELECT f.id::text, c.version FROM forms_applicationform f JOIN copies_copy c USING (id) ORDER BY f.id"
        return dict(connection.execute(query).fetchall())


def _kill(world: World, crew: list[Trial], chance: random.Random, **how: Any) -> bool:
    """Kill a worker and hire another; return whether it was the signal that ended it."""
    place = chance.randrange(len(crew))
    crew[place].send(signal.SIGKILL)
    is_killed = crew[place].finish() == -signal.SIGKILL
    crew[place] = hire(world, **how)
    return is_killed


def _stop(crew: list[Trial], chance: random.Random, *, seconds: float) -> None:
    """Stop a worker until others have taken its items over, then let it go on."""
    place = chance.randrange(len(crew))
    crew[place].send(signal.SIGSTOP)
    time.sleep(seconds)
    crew[place].send(signal.SIGCONT)


def what_is_wrong(
    connection: psycopg.Connection[Any], operation: str, before: dict[str, int], watch: Watch
) -> list[str]:
    wrong = [] if watch.is_finished and watch.ended == len(before) else [f"{watch.ended} of {len(before)} ended"]
    if amount := one(connection, WRONG_VERSIONS, [list(before), operation, list(before.values())]):
        wrong.append(f"{amount} copies were changed twice, or not as their items say")
    events = connection.execute(EVENTS, [operation]).fetchall()
    percents = [percent for name, percent in events if name == "batch_operation.progress"]
    if len(percents) > 10 or len(set(percents)) != len(percents):
        wrong.append(f"progress events: {percents}")
    ends = [percent for name, percent in events if name in ("batch_operation.completed", "batch_operation.failed")]
    if ends != [100.0]:
        wrong.append(f"events of the end: {ends}")
    return wrong


def retry_and_look(world: World, connection: psycopg.Connection[Any], operation: str, watch: Watch) -> list[str]:
    """Retry what failed; return what else was touched."""
    untouched = "SELECT md5(string_agg(i::text, ',' ORDER BY number)) FROM operations_operationitem i"
    untouched += " WHERE operation_id = %s AND NOT (number = ANY(%s))"
    rows = connection.execute(
        "SELECT number FROM operations_operationitem WHERE operation_id = %s AND state = 'failed'", [operation]
    ).fetchall()
    failed = [row[0] for row in rows]
    if not failed:
        return []
    before = one(connection, untouched, [operation, failed])
    done = world.do("operation_trials:order", name="retry", operation=operation)[0]["done"]
    again = Watch(connection, operation)
    deadline = time.monotonic() + 30
    while not again.is_finished and time.monotonic() < deadline:
        time.sleep(0.05)
        again.look()
    wrong = list(again.wrong)
    if not again.is_finished or done != len(failed):
        wrong.append(f"retried {done} of {len(failed)}, finished: {again.is_finished}")
    if one(connection, untouched, [operation, failed]) != before:
        wrong.append("the retry touched items that had not failed")
    return wrong


def one(connection: psycopg.Connection[Any], query: str, values: list[Any]) -> Any:
    row = connection.execute(query, values).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("forms", "chunk", "kills"), [(60, 20, 2), pytest.param(2_000, 100, 10, marks=[FULL, pytest.mark.slow])]
)
def test_every_item_ends_once_though_workers_are_killed(
    world: World, chance: random.Random, forms: int, chunk: int, kills: int
) -> None:
    assert run_under_kills(world, chance, Course(forms=forms, chunk=chunk, kills=kills)) == []


@FULL
@pytest.mark.parametrize("worse", ["recorded apart", "no lease", "counted twice"])
def test_kills_find_a_sabotaged_engine(world: World, chance: random.Random, worse: str) -> None:
    course = Course(
        forms=100, chunk=20, kills=6, cancel_at=None, rest=0.2, lease=0.6, stops=1.0, seconds=60.0, worse=worse
    )
    for _ in range(5):
        if run_under_kills(world, chance, course):
            return
    pytest.fail(f"nobody noticed: {worse}")


PAUSED: Final = """
SELECT o.paused_at IS NOT NULL AND NOT EXISTS (
           SELECT FROM operations_operationitem i WHERE i.operation_id = o.id AND i.state = 'in_progress'),
       o.pause_reason, o.completed
  FROM operations_batchoperation o WHERE o.id = %s"""


@pytest.mark.slow
@pytest.mark.alone
def test_the_off_switch_pauses_the_work_of_another_process_which_goes_on_when_it_is_on(world: World) -> None:
    world.do("scenarios:make_forms", count=40)
    world.do("operation_trials:switch", is_on=True)
    operation = world.do("operation_trials:submit", invalid=[], transient=[])[0]["operation"]
    how = {"lease": 5.0, "chunk": 2, "rest": 0.05, "obeys_flags": True}
    with world.connect() as connection, workers(world, 1, **how):
        connection.autocommit = True
        until(lambda: look(connection, operation)[2] > 0, seconds=20)

        world.do("operation_trials:switch", is_on=False)
        switched_at = time.monotonic()
        until(lambda: look(connection, operation)[0], seconds=20)
        paused_after = time.monotonic() - switched_at
        _, reason, completed = look(connection, operation)
        time.sleep(1.5)  # the worker looks at the flag every second
        later = look(connection, operation)

        world.do("operation_trials:switch", is_on=True)
        until(lambda: look(connection, operation)[2] == len(forms_of(world)), seconds=20)

    # A second by the switch, and the slack of a busy machine.
    assert paused_after < 5
    assert reason.startswith("Batch operations are switched off.")
    assert 0 < completed < 40
    assert later[2] == completed


def look(connection: psycopg.Connection[Any], operation: str) -> tuple[bool, str, int]:
    row = connection.execute(PAUSED, [operation]).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)
