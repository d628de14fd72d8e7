"""Workers are killed, transactions held open and clocks wrong while the outbox drains (F9, F10, F21)."""

from __future__ import annotations

import random
import signal
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from actions.relay import MOST_CRASHES
from tests.harness.faults.relay_trials import EFFECTS, put
from tests.harness.faults.trials import Trial
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
WORK: Final = "relay_trials:relay_until_killed"
#: The seconds that an action may wait while another database does not respond.
MOST_WAIT: Final = 2.0


@contextmanager
def outbox(world: World) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection to an empty outbox and the table in which attempts are recorded."""
    with world.connect() as connection:
        connection.execute("DELETE FROM actions_outboxaction")
        connection.execute(EFFECTS)
        yield connection


@contextmanager
def workers(world: World, amount: int, **how: Any) -> Iterator[list[Trial]]:
    """Run ``amount`` workers; those in the list are killed at the end."""
    crew = [hire(world, **how) for _ in range(amount)]
    try:
        yield crew
    finally:
        for worker in crew:
            dismiss(worker)


def hire(world: World, **how: Any) -> Trial:
    worker = world.fork(WORK, **how)
    report = worker.next_report()
    assert report is not None and "started" in report, report
    return worker


def dismiss(worker: Trial) -> None:
    worker.send(signal.SIGKILL)
    worker.finish()
    assert [report for report in worker.reports if "error" in report] == []


def waiting(connection: psycopg.Connection[Any]) -> int:
    return one(connection, "SELECT count(*) FROM actions_outboxaction WHERE state = 'waiting'")


def one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def has_drained(connection: psycopg.Connection[Any], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while waiting(connection) and time.monotonic() < deadline:
        time.sleep(0.02)
    return waiting(connection) == 0


def drain_under_kills(
    world: World, chance: random.Random, *, events: int, kills: int, lease: float, worse: str = "", seconds: float
) -> list[str]:
    """Let two workers drain ``events`` and a poison, killing one of them repeatedly; return the broken promises."""
    how = {"lease": lease, "rest": 0.002, "worse": worse}
    with outbox(world) as connection:
        poison = uuid7()
        put(connection, action=poison, bell="poison", copy=uuid7())
        ids = {uuid7() for _ in range(events)}
        with connection.transaction():
            for action in ids:
                put(connection, action=action, bell="plain", copy=uuid7())
        deadline = time.monotonic() + seconds
        with workers(world, 2, **how) as crew:
            killed = 0
            while waiting(connection) and time.monotonic() < deadline:
                time.sleep(chance.uniform(0.02, 0.08))
                if killed < kills:
                    chance.choice(crew).send(signal.SIGKILL)
                    killed += 1
                replace_the_dead(world, crew, **how)
            last_kill = time.monotonic()
            has_drained(connection, seconds=max(0.0, deadline - last_kill))
        return what_is_wrong(connection, ids, poison, kills=kills)


def replace_the_dead(world: World, crew: list[Trial], **how: Any) -> None:
    for place, worker in enumerate(crew):
        if is_dead(worker):
            worker.finish()
            crew[place] = hire(world, **how)


def is_dead(worker: Trial) -> bool:
    with open(f"/proc/{worker.process_id}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "Z"


def what_is_wrong(connection: psycopg.Connection[Any], ids: set[UUID], poison: UUID, *, kills: int) -> list[str]:
    """Return a sentence for each promise that was broken; the outbox must contain only the dead poison."""
    left = connection.execute("SELECT id, state, crashes FROM actions_outboxaction").fetchall()
    attempts = Counter(row[0] for row in connection.execute("SELECT action FROM effects"))
    wrong = [f"lost {action}" for action in ids - attempts.keys() - {row[0] for row in left}]
    wrong += [f"{action} is {state} after {crashes} crashes" for action, state, crashes in left if action != poison]
    wrong += [f"the poison is {state}" for action, state, _ in left if action == poison and state != "dead"]
    if poison not in {row[0] for row in left}:
        wrong.append("the poison is gone")
    if attempts[poison] > MOST_CRASHES:
        wrong.append(f"the poison was run {attempts[poison]} times")
    return wrong


@pytest.mark.parametrize(
    ("events", "kills", "lease", "seconds"),
    [
        (150, 4, 0.5, 30),
        pytest.param(500, 10, 0.5, 30, marks=pytest.mark.slow),
        pytest.param(5_000, 100, 2.0, 180, marks=FULL),
    ],
)
def test_kills_lose_nothing_and_a_poison_becomes_a_dead_letter(
    world: World, chance: random.Random, events: int, kills: int, lease: float, seconds: float
) -> None:
    assert drain_under_kills(world, chance, events=events, kills=kills, lease=lease, seconds=seconds) == []


@pytest.mark.parametrize(
    ("worse", "found"),
    [
        pytest.param("no quarantine", "the poison is waiting", marks=pytest.mark.slow),
        pytest.param("left ones together", " is dead after ", marks=FULL),
    ],
)
def test_kills_find_a_relay_that_is_worse(world: World, chance: random.Random, worse: str, found: str) -> None:
    wrong = drain_under_kills(world, chance, events=20, kills=0, lease=0.3, worse=worse, seconds=3.5)

    assert any(found in sentence for sentence in wrong), wrong


def test_rows_of_a_dead_worker_run_as_soon_as_its_lease_expires(world: World) -> None:
    lease = 1.0
    with outbox(world) as connection:
        put(connection, action=uuid7(), bell="hanging", copy=uuid7())
        with workers(world, 1, lease=lease, hang=60):
            while not one(connection, "SELECT count(*) FROM effects"):
                time.sleep(0.01)
            time.sleep(lease * 2)
            assert one(connection, "SELECT leased_until > clock_timestamp() FROM actions_outboxaction"), "not renewed"
        died = time.monotonic()
        with workers(world, 1, lease=lease):
            assert has_drained(connection, seconds=10)

        assert time.monotonic() - died < lease + 5.0
        assert one(connection, "SELECT count(*) FROM effects") == 2


def rows_behind_a_left_one(world: World, *, worse: str = "") -> int:
    """Kill a worker whose action another takes over while it drains many others; return how many of these were still
    waiting by then.
    """
    lease = 3.0
    with outbox(world) as connection:
        put(connection, action=uuid7(), bell="hanging", copy=uuid7())
        with workers(world, 1, lease=lease, hang=60):
            until_begun(connection, 1)
        with connection.transaction():
            for _ in range(2_000):
                put(connection, action=uuid7(), bell="plain", copy=uuid7())
        with workers(world, 1, lease=lease, rest=0.005, worse=worse):
            deadline = time.monotonic() + 60
            while one(connection, "SELECT count(*) FROM effects WHERE bell = 'hanging'") < 2:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            return waiting(connection)


def test_rows_of_a_dead_worker_do_not_wait_for_the_end_of_a_long_drain(world: World) -> None:
    assert rows_behind_a_left_one(world) > 200


@FULL
def test_a_long_drain_finds_a_relay_that_runs_left_rows_last(world: World) -> None:
    assert rows_behind_a_left_one(world, worse="left ones last") <= 1


def test_a_slow_action_delays_no_other(world: World) -> None:
    with outbox(world) as connection:
        with connection.transaction():
            for number in range(50):
                put(connection, action=uuid7(), bell="plain" if number else "hanging", copy=uuid7())
        with workers(world, 2, lease=30.0, hang=60):
            began = time.monotonic()
            while one(connection, "SELECT count(*) FROM effects") < 50 and time.monotonic() - began < 10:
                time.sleep(0.02)

            assert one(connection, "SELECT count(*) FROM effects") == 50
            assert waiting(connection) == 1


def drain_in_order(
    world: World, chance: random.Random, *, copies: int, held: float, worse: str = "", patience: float = 20
) -> list[str]:
    """Drain versions of copies while an older transaction is open for ``held`` seconds; return the broken promises."""
    orders = [(copy, version) for copy in (uuid7() for _ in range(copies)) for version in range(1, 8)]
    chance.shuffle(orders)
    with outbox(world) as connection, world.connect() as older:
        with workers(world, 2, lease=5.0, fail_once=True, worse=worse):
            began = time.monotonic()
            with older.transaction():
                put(older, action=uuid7(), bell="late", copy=uuid7())
                with connection.transaction():
                    for copy, version in orders:
                        put(connection, action=uuid7(), bell="plain", copy=copy, version=version)
                has_drained(connection, seconds=patience)
                time.sleep(max(0.0, held - (time.monotonic() - began)))
            has_drained(connection, seconds=2)
        return wrong_order(connection, expected=len(orders) + 1)


def wrong_order(connection: psycopg.Connection[Any], *, expected: int) -> list[str]:
    of_copy: dict[UUID, list[int]] = defaultdict(list)
    for copy, version in connection.execute("SELECT copy, version FROM effects ORDER BY id"):
        of_copy[copy].append(version)
    delivered = sum(map(len, of_copy.values()))
    wrong = [f"{copy}: {found}" for copy, found in of_copy.items() if any(b <= a for a, b in pairwise(found))]
    return wrong if delivered == expected else [*wrong, f"{delivered} of {expected} were delivered"]


@pytest.mark.parametrize(("copies", "held"), [(30, 1.0), pytest.param(1_000, 2.0, marks=FULL)])
def test_an_older_transaction_skips_nothing_and_keeps_the_order(
    world: World, chance: random.Random, copies: int, held: float
) -> None:
    assert drain_in_order(world, chance, copies=copies, held=held) == []


@pytest.mark.slow
def test_a_relay_with_a_cursor_is_detected(world: World, chance: random.Random) -> None:
    assert any(
        "were delivered" in wrong
        for wrong in drain_in_order(world, chance, copies=5, held=0.5, worse="a cursor", patience=0.5)
    )


@pytest.mark.slow
def test_a_relay_without_order_is_detected(world: World, chance: random.Random) -> None:
    assert any("[" in wrong for wrong in drain_in_order(world, chance, copies=10, held=0.0, worse="no order"))


def lease_under_clocks(world: World, *, hours: float, worse: str = "") -> list[str]:
    """Let a worker hang on an action while another, whose clock is ``hours`` off, claims work; then kill the first.

    Return the broken promises.
    """
    lease, wrong = 1.0, []
    with outbox(world) as connection:
        put(connection, action=uuid7(), bell="hanging", copy=uuid7())
        with workers(world, 1, lease=lease, hang=60):
            while not one(connection, "SELECT count(*) FROM effects"):
                time.sleep(0.01)
            with workers(world, 1, lease=lease, clock_hours=hours, worse=worse):
                time.sleep(0.3)
            if one(connection, "SELECT count(*) FROM effects") > 1:
                wrong.append("taken early")
        died = time.monotonic()
        with workers(world, 1, lease=lease, clock_hours=hours, worse=worse):
            if not has_drained(connection, seconds=lease + 1.5):
                wrong.append(f"stuck for {time.monotonic() - died:.1f} s")
    return wrong


@pytest.mark.parametrize("hours", [1.0, pytest.param(-1.0, marks=pytest.mark.slow)])
def test_leases_do_not_depend_on_clocks_of_workers(world: World, hours: float) -> None:
    assert lease_under_clocks(world, hours=hours) == []


@FULL
@pytest.mark.parametrize(("hours", "found"), [(1.0, "taken early"), (-1.0, "stuck")])
def test_clocks_find_a_relay_that_trusts_its_own(world: World, hours: float, found: str) -> None:
    assert any(found in wrong for wrong in lease_under_clocks(world, hours=hours, worse="own clock"))


def longest_wait(world: World, *, worse: str = "") -> float:
    """Emit a few actions, one after the other, while another database accepts connections and never responds; return
    the seconds of the slowest, or of the first that waits too long.
    """
    with outbox(world) as connection, socket.create_server(("127.0.0.1", 0)) as silent:
        how = {"dead_port": silent.getsockname()[1], "worse": worse}
        worker = world.fork("relay_trials:sweep_beside_a_dead_database", **how)
        waits = []
        try:
            assert "started" in (worker.next_report() or {})
            for _ in range(4):
                put(connection, action=uuid7(), bell="plain", copy=uuid7())
                began = time.monotonic()
                has_drained(connection, seconds=20)
                waits.append(time.monotonic() - began)
                if waits[-1] > MOST_WAIT:
                    break
        finally:
            dismiss(worker)
        return max(waits)


def test_a_dead_database_delays_no_other(world: World) -> None:
    assert longest_wait(world) < MOST_WAIT


@FULL
def test_a_sweep_of_one_database_after_the_other_is_detected(world: World) -> None:
    assert longest_wait(world, worse="one by one") > MOST_WAIT


def what_runs_after_a_late_return(world: World, *, worse: str = "") -> int:
    """Stop a worker until another has taken its action over, and let it continue and fail: the other's action must not
    be claimed again. Return how often the action was begun.
    """
    lease = 0.5
    with outbox(world) as connection:
        put(connection, action=uuid7(), bell="hanging", copy=uuid7())
        begun = "SELECT count(*) FROM effects"
        with workers(world, 1, lease=lease, hang=0.2, fails=True, worse=worse) as (late,):
            while not one(connection, begun):
                time.sleep(0.002)
            late.send(signal.SIGSTOP)
            with workers(world, 1, lease=lease, hang=60, worse=worse):
                until_begun(connection, 2)
                late.send(signal.SIGCONT)
                time.sleep(lease * 2)
                with workers(world, 1, lease=lease, hang=60, worse=worse):
                    time.sleep(1.5)
                    return int(one(connection, begun))


def until_begun(connection: psycopg.Connection[Any], times: int) -> None:
    deadline = time.monotonic() + 20
    while one(connection, "SELECT count(*) FROM effects") < times and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_late_worker_ends_no_action_of_the_other(world: World) -> None:
    assert what_runs_after_a_late_return(world) == 2


@FULL
def test_a_late_return_finds_leases_without_a_token(world: World) -> None:
    assert what_runs_after_a_late_return(world, worse="no token") > 2
