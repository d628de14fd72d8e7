"""The waits for tenants' own databases: busy ones refuse nobody, silent ones all that would take more than a share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connections
from django.db.utils import DatabaseErrorWrapper
from psycopg_pool import PoolTimeout
from pytest_django import Settings

from partner_engine.request_places import AT_ONCE
from tenants.postgresql import base
from tenants.postgresql.waits import MEMORY, MOST, OLD, SILENCE, DatabaseIsSilent, Waits, refusals
from tests.harness.cast import SECOND_DATABASE
from tests.harness.tiers import PATIENCE, until

LATER = SILENCE + 0.1


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits(clock: Clock) -> Waits:
    return Waits(clock=clock)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Return what ends all waits of the test."""
    with ExitStack() as stack:
        yield stack


def connect(waits: Waits, held: ExitStack, alias: str, number: int) -> None:
    """Let requests wait for connections."""
    for _ in range(number):
        held.enter_context(waits.connecting(alias))


def execute(waits: Waits, held: ExitStack, alias: str, number: int) -> None:
    """Let requests wait for responses to statements."""
    for _ in range(number):
        held.enter_context(waits.executing(alias))


def is_refused(waits: Waits, alias: str) -> bool:
    """Return whether one more request is refused; let it end at once."""
    try:
        with waits.connecting(alias):
            return False
    except DatabaseIsSilent:
        return True


def fail(waiting: AbstractContextManager[None], error: BaseException) -> None:
    with pytest.raises(type(error)), waiting:
        raise error


def test_half_of_the_places_of_a_process_remain_for_others() -> None:
    assert MOST * 2 == AT_ONCE


def test_where_enough_wait_for_a_silent_database_others_are_refused_at_once(
    waits: Waits, clock: Clock, held: ExitStack
) -> None:
    counted = refusals.labels("own")._value.get()
    execute(waits, held, "own", 10)
    connect(waits, held, "own", MOST - 10)
    clock.now += LATER

    with pytest.raises(OperationalError, match="'own' does not respond to 16 requests"), waits.connecting("own"):
        pytest.fail("it waits, too")

    assert not is_refused(waits, "other")
    assert refusals.labels("own")._value.get() == counted + 1


def test_fewer_wait_as_long_as_they_like(waits: Waits, clock: Clock, held: ExitStack) -> None:
    execute(waits, held, "own", MOST - 1)
    clock.now += 100 * LATER

    assert not is_refused(waits, "own")


def test_all_come_at_once_after_a_rest_and_nobody_is_refused(waits: Waits, clock: Clock, held: ExitStack) -> None:
    with waits.executing("own"):
        pass
    clock.now += 100 * LATER

    connect(waits, held, "own", 10 * MOST)


def test_a_busy_database_refuses_nobody(waits: Waits, clock: Clock, held: ExitStack) -> None:
    """A hundred wait all the time, and a statement ends every 50 milliseconds."""
    execute(waits, held, "own", 10)
    connect(waits, held, "own", 90)

    for _ in range(100):
        with waits.executing("own"):
            clock.now += 0.05
        assert not is_refused(waits, "own")


def test_a_refusal_by_the_database_is_a_response(waits: Waits, clock: Clock, held: ExitStack) -> None:
    execute(waits, held, "own", MOST)
    clock.now += LATER
    error = IntegrityError()
    error.__cause__ = psycopg.errors.UniqueViolation()

    fail(waits.executing("own"), error)

    assert not is_refused(waits, "own")


@pytest.mark.parametrize("error", [ValueError(), IntegrityError(), psycopg.ProgrammingError()], ids=repr)
def test_an_error_of_the_program_is_none(
    waits: Waits, clock: Clock, held: ExitStack, error: BaseException
) -> None:  # fmt: skip
    execute(waits, held, "own", MOST)
    clock.now += LATER

    fail(waits.executing("own"), error)

    assert is_refused(waits, "own")


def test_a_connection_of_the_pool_is_no_response(waits: Waits, clock: Clock, held: ExitStack) -> None:
    execute(waits, held, "own", MOST - 1)
    clock.now += LATER

    with waits.connecting("own"):
        pass
    held.enter_context(waits.executing("own"))

    assert is_refused(waits, "own")


def test_waits_for_connections_alone_say_nothing(waits: Waits, clock: Clock, held: ExitStack) -> None:
    """Others of the process hold all connections, and compute or wait for a lock."""
    connect(waits, held, "own", MOST + 6)
    clock.now += 2 * LATER

    assert not is_refused(waits, "own")


@pytest.mark.parametrize("long", [1, OLD - 1])
def test_a_burst_beside_a_few_long_statements_is_let_in(waits: Waits, clock: Clock, held: ExitStack, long: int) -> None:
    execute(waits, held, "own", long)
    clock.now += LATER

    connect(waits, held, "own", AT_ONCE)


def test_long_statements_of_other_databases_take_nothing_from_a_healthy_one(
    waits: Waits, clock: Clock, held: ExitStack
) -> None:
    for number in range(3 * MOST):
        execute(waits, held, f"long{number}", 1)
    clock.now += LATER

    connect(waits, held, "healthy", AT_ONCE)


def test_a_failure_is_forgotten(waits: Waits, clock: Clock, held: ExitStack) -> None:
    fail(waits.connecting("own"), PoolTimeout())
    clock.now += MEMORY + 1

    connect(waits, held, "own", AT_ONCE)


@pytest.mark.parametrize("error", [PoolTimeout(), psycopg.OperationalError("refused")], ids=repr)
def test_after_a_failure_only_so_many_try_until_one_gets_a_response(
    waits: Waits, clock: Clock, held: ExitStack, error: BaseException
) -> None:
    fail(waits.connecting("own"), error)
    clock.now += MEMORY - 1

    connect(waits, held, "own", MOST)
    refused = is_refused(waits, "own")
    with waits.executing("own"):
        pass
    connect(waits, held, "own", MOST)

    assert refused


def test_a_failure_as_django_raises_it_counts_as_well(waits: Waits, clock: Clock, held: ExitStack) -> None:
    with pytest.raises(OperationalError), waits.executing("own"), DatabaseErrorWrapper(connections["default"]):
        raise psycopg.OperationalError("server closed the connection")
    clock.now += LATER

    connect(waits, held, "own", MOST)

    assert is_refused(waits, "own")


def test_databases_of_one_server_share_what_may_wait(waits: Waits, clock: Clock, held: ExitStack) -> None:
    execute(waits, held, "one", MOST // 2)
    execute(waits, held, "two", MOST // 2)
    execute(waits, held, "busy", 1)
    clock.now += LATER
    with waits.executing("busy"):
        pass

    assert [is_refused(waits, alias) for alias in ("one", "two", "busy", "new")] == [True, True, False, False]


def test_of_each_of_very_many_one_may_wait(waits: Waits, clock: Clock, held: ExitStack) -> None:
    names = [f"own{number}" for number in range(3 * MOST)]
    for name in names[1:]:
        execute(waits, held, name, 1)
    clock.now += LATER

    assert [is_refused(waits, name) for name in names] == [False] + [True] * (len(names) - 1)


def test_waits_of_threads_are_counted_exactly(waits: Waits) -> None:
    def use() -> None:
        for _ in range(2_000):
            with waits.connecting("own"), waits.executing("own"):
                pass

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert waits._all["own"].number == 0


@pytest.mark.django_db(transaction=True, databases=["default", SECOND_DATABASE])
def test_the_backend_counts_statements_of_own_databases_alone(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DATABASE_POOL_SIZE = 1
    waits = Waits()
    monkeypatch.setattr(base, "_waits", waits)
    can_end = threading.Event()

    def use(alias: str) -> None:
        try:
            with connections[alias].cursor() as cursor:
                while not can_end.is_set():
                    cursor.execute("SELECT pg_sleep(0.2)")
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=use, args=(alias,)) for alias in ("default", SECOND_DATABASE, SECOND_DATABASE)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: SECOND_DATABASE in waits._all and waits._all[SECOND_DATABASE].number == 2)
        assert set(waits._all) == {SECOND_DATABASE}
    finally:
        can_end.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert waits._all[SECOND_DATABASE].number == 0


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
@pytest.mark.parametrize("pool_size", [0, 1])
def test_the_backend_of_a_web_process_refuses_connections_to_a_silent_database(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, clock: Clock, pool_size: int
) -> None:
    settings.DATABASE_POOL_SIZE = pool_size
    waits = Waits(clock=clock)
    monkeypatch.setattr(base, "_waits", waits)
    seen: list[BaseException] = []

    def use() -> None:
        try:
            connections[SECOND_DATABASE].ensure_connection()
        except OperationalError as error:
            seen.append(error)
        finally:
            connections[SECOND_DATABASE].close()

    with ExitStack() as held:
        execute(waits, held, SECOND_DATABASE, MOST)
        clock.now += LATER
        thread = threading.Thread(target=use)
        thread.start()
        thread.join(PATIENCE)

    # Other programs have no places for requests that it could take.
    assert [type(error) for error in seen] == [DatabaseIsSilent] * pool_size


@pytest.mark.django_db(databases=["default"])
def test_a_cursor_of_a_returned_connection_executes_nothing() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
        connection = connections["default"].connection
        connections["default"].connection = None
        try:
            with pytest.raises(InterfaceError, match="open a new cursor"):
                cursor.execute("SELECT 2")
        finally:
            connections["default"].connection = connection


@dataclass
class Shared:
    """A connection to the shared database."""

    connection: object | None = None
    in_atomic_block: bool = False
    autocommit: bool = True
    pool: object | None = None
    closed: int = 0

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("state", "closed"),
    [
        ({"connection": 1, "pool": 1}, 1),
        ({"connection": 1, "pool": 1, "in_atomic_block": True}, 0),
        ({"connection": 1, "pool": 1, "autocommit": False}, 0),
        # Without a pool a new connection would be expensive, and nobody waits for this one.
        ({"connection": 1}, 0),
        ({"pool": 1}, 0),
    ],
)
@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_the_shared_connection_is_returned_before_others_are_used(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], closed: int
) -> None:
    shared = Shared(**state)
    own: Any = connections[SECOND_DATABASE]
    own.ensure_connection()
    monkeypatch.setattr(own, "_is_counted", True)
    monkeypatch.setattr(base, "connections", {"default": shared})

    with own.cursor() as cursor:
        cursor.execute("SELECT 1")

    assert shared.closed == closed
