"""The poller behind ``manage.py relay``: runs every sweep in every database, again and again.

Needs PostgreSQL alone. Each database has threads of its own, so that one which is slow or away delays no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import structlog
from django.db import DatabaseError, connections
from redis.exceptions import RedisError

from actions.sweeps import SWEEPS, Service, Sweep
from redis_locks.heartbeats import note_heartbeat

#: Seconds to wait for running sweeps at the end; unfinished work is taken over by other processes.
_FAREWELL_SECONDS: Final = 10.0
#: Seconds between two signs of life per database, and until the first.
_HEARTBEAT_SECONDS: Final = 10.0
_FIRST_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


def poll_until(
    over: threading.Event, aliases: Iterable[str], *, every: float, sweeps: Iterable[Sweep] = SWEEPS
) -> None:  # fmt: skip
    """Run all ``sweeps`` in all databases, waiting ``every`` seconds in between, until ``over`` is set."""
    works = [sweep.work for sweep in sweeps for _ in range(sweep.threads)]
    pulse = _Pulse()
    threads = [
        threading.Thread(target=_poll, args=(work, alias, every, over, pulse), name=f"sweep of {alias}", daemon=True)
        for alias in aliases
        for work in works
    ]
    # Of its own, so that a Redis that is away delays no sweep; the end does not wait for it.
    threading.Thread(target=pulse.report, args=(over,), name="heartbeat", daemon=True).start()
    for thread in threads:
        thread.start()
    over.wait()
    ends = time.monotonic() + _FAREWELL_SECONDS
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))


def poll_once(aliases: Iterable[str], *, sweeps: Iterable[Sweep] = SWEEPS) -> None:
    """Run every sweep once in each of the databases, one after the other."""
    over = threading.Event()
    over.set()
    for alias in aliases:
        for sweep in sweeps:
            _try(sweep.work, alias, over)


class _Pulse:
    """The databases in which a sweep ended well lately, reported as signs of life."""

    def __init__(self) -> None:
        self._swept: set[str] = set()

    def note(self, alias: str) -> None:
        """Note a sweep that ended well."""
        self._swept.add(alias)

    def report(self, over: threading.Event) -> None:
        """Write the signs of life to Redis until ``over`` is set."""
        pause = _FIRST_SECONDS
        while not over.wait(pause):
            swept, self._swept = self._swept, set()
            pause = _HEARTBEAT_SECONDS if swept else _FIRST_SECONDS
            for alias in swept:
                # Without Redis nobody sees them; the sweeps go on.
                with suppress(RedisError):
                    note_heartbeat(relay_heartbeat(alias))


def relay_heartbeat(alias: str) -> str:
    """Return the name of the sign of life of relays in the database ``alias``."""
    return f"relay:{alias}"


def _poll(work: Service, alias: str, every: float, over: threading.Event, pulse: _Pulse) -> None:
    while not over.is_set():
        if _try(work, alias, over):
            pulse.note(alias)
        over.wait(every)
    connections.close_all()


def _try(work: Service, alias: str, over: threading.Event) -> bool:
    """Run ``work``; return whether it ended without a failure, which is logged."""
    try:
        work(alias, over)
    except DatabaseError as error:
        log.warning("database_not_swept", database=alias, reason=type(error).__name__)
        # A broken connection is not used again.
        connections.close_all()
        return False
    except Exception:
        # The rows are still there, and the next sweep may succeed.
        log.exception("sweep_failed", database=alias)
        connections.close_all()
        return False
    return True
