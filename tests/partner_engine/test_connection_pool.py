"""The pool of a web process while a database server is away and when it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg_pool import ConnectionPool, PoolTimeout

from partner_engine.environment import Limits, databases
from tenants.postgresql import base
from tests.harness.cast import SECOND_DATABASE
from tests.harness.cut_line import Line, line_to
from tests.harness.tiers import until

#: Seconds for which the server is away. A pool with the defaults of its library tries again 15 seconds after the loss,
#: after 1, 3 and 7 seconds; so it would be 7 seconds late.
AWAY: Final = 8.0
OWN: Final = databases(
    "postgres://one:two@db.example/shared", {}, limits=Limits(statement_timeout=1, lock_timeout=1, pool_size=2)
)["default"]["OPTIONS"]


def delay_of_recovery(options: dict[str, Any]) -> float:
    """Return how long after a server's return a pool with ``options``, which is used all the time, has a connection."""
    known = connection.settings_dict
    line = Line(int(known["PORT"]))
    server = {"host": "127.0.0.1", "port": line.port, "user": known["USER"], "password": known["PASSWORD"]}
    with ConnectionPool(kwargs={**server, "dbname": known["NAME"]}, open=True, **options) as pool:
        with pool.connection() as first:
            first.execute("SELECT 1")
        line.cut()
        with used_all_the_time(pool):
            time.sleep(AWAY)
            line.repair()
            back = time.monotonic()
            while not can_be_used(pool):
                assert time.monotonic() - back < 60
            return time.monotonic() - back


def can_be_used(pool: ConnectionPool) -> bool:
    with suppress(PoolTimeout, psycopg.OperationalError), pool.connection(timeout=0.2) as one:
        one.execute("SELECT 1")
        return True
    return False


@contextmanager
def used_all_the_time(pool: ConnectionPool) -> Iterator[None]:
    """Request a connection of ``pool`` again and again in another thread."""
    over = threading.Event()

    def use() -> None:
        while not over.wait(0.05):
            can_be_used(pool)

    user = threading.Thread(target=use)
    user.start()
    try:
        yield
    finally:
        over.set()
        user.join()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_back_is_used_within_seconds() -> None:
    assert delay_of_recovery(OWN["pool"]) < 3.0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_delay_is_found_in_a_pool_that_waits_longer_each_time() -> None:
    assert delay_of_recovery({**OWN["pool"], "reconnect_timeout": 300}) > 3.0


def test_a_server_whose_machine_is_gone_is_given_up_within_half_a_minute() -> None:
    idle = OWN["keepalives_idle"] + OWN["keepalives_interval"] * OWN["keepalives_count"]

    # The first is for connections that wait for a response, the second for statements that nobody acknowledges.
    assert (idle, OWN["tcp_user_timeout"]) == (25, 15_000)


@pytest.fixture
def far() -> Iterator[tuple[base.DatabaseWrapper, Line]]:
    """Return a connection of the backend with a pool of its own, to the tests' server, and the line that it uses."""
    known = connection.settings_dict
    pool = {**OWN["pool"], "timeout": 0.05, "max_waiting": 3, "reconnect_timeout": 0.1}
    with line_to(int(known["PORT"])) as line:
        options = {**known["OPTIONS"], "pool": pool}
        settings = {**known, "HOST": "127.0.0.1", "PORT": line.port, "OPTIONS": options}
        far = base.DatabaseWrapper(settings, SECOND_DATABASE)
        try:
            yield far, line
        finally:
            far.close()
            far.close_pool()


def is_used_again(far: base.DatabaseWrapper, line: Line, *, seconds: float) -> bool:
    """Wait for a connection, in vain, more often than requests may wait at once; then repair the line and return
    whether a connection is made.
    """
    line.cut()
    for _ in range(10):
        with pytest.raises(OperationalError):
            far.ensure_connection()
    # A try that is under way could still succeed.
    until(lambda: not far.pool._growing)
    line.repair()

    def connects() -> bool:
        with suppress(OperationalError):
            far.ensure_connection()
        return far.connection is not None

    with suppress(AssertionError):
        until(connects, seconds=seconds)
    return far.connection is not None


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_after_many_vain_waits_a_server_is_used_again(far: tuple[base.DatabaseWrapper, Line]) -> None:
    assert is_used_again(*far, seconds=60)
    assert len(far[0].pool._waiting) <= 1


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_a_pool_that_counts_waits_that_timed_out_never_connects_again(
    far: tuple[base.DatabaseWrapper, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_forget_timed_out", lambda pool: None)

    assert not is_used_again(*far, seconds=2)


def test_the_queue_of_a_pool_has_no_limit() -> None:
    assert OWN["pool"].get("max_waiting", 0) == 0
