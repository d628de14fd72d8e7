"""``manage.py relay``: its work in each database, and that it continues after any failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import OperationalError

from actions.poller import poll_until
from actions.sweeps import Sweep
from house.place import CHECKOUT
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.outboxes import Ring, put, rows


def failing_first(over: threading.Event, seen: dict[str, int]) -> Callable[[str], None]:
    """Return work that first fails in each database, and ends the sweep after it succeeded in all."""

    def work(alias: str, _: object) -> None:
        seen[alias] = seen.get(alias, 0) + 1
        if seen[alias] == 1:
            raise OperationalError
        if min(seen.values()) > 2 and len(seen) == 2:
            over.set()

    return work


def test_each_database_is_polled_again_after_any_failure() -> None:
    over, seen = threading.Event(), dict[str, int]()

    sweep = Sweep(name="failing first", work=failing_first(over, seen))

    poll_until(over, ["one", "two"], every=0.001, sweeps=[sweep])

    assert set(seen) == {"one", "two"}
    assert min(seen.values()) > 2


@pytest.mark.django_db(databases=["default", SECOND_DATABASE], transaction=True)
def test_one_poll_covers_all_databases(harbor: Tenant) -> None:
    put(harbor, Ring(bell="nobody here knows it"))

    call_command("relay", once=True)

    assert [row.attempts for row in rows()] == [0]


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_it_ends_in_an_orderly_way(number: int) -> None:
    code = (
        "import django; django.setup(); import actions.poller as p; from actions.sweeps import Sweep; "
        "one = Sweep(name='looks', work=lambda alias, over: print('looks', flush=True)); "
        "p.poll_until.__kwdefaults__['sweeps'] = (one,); "
        "from django.core.management import call_command; call_command('relay', every=0.01)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "partner_engine.settings"},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"looks\n"
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 0


def test_a_signal_ends_the_relay_also_when_it_is_about_to_wait() -> None:
    """The main thread holds the lock of the event for a moment before it waits; then the signal arrives."""
    code = (
        "import os, signal, threading; from actions.management.commands.relay import set_at_signals; "
        "over = threading.Event(); set_at_signals(over, (signal.SIGTERM,)); "
        "lock = over._cond; lock.acquire(); os.kill(os.getpid(), signal.SIGTERM); lock.release(); "
        "print(over.wait(60))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "True\n"
