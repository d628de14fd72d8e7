"""The poller behind ``manage.py relay``: runs every sweep in every database, again and again.

Needs PostgreSQL alone. Each database has threads of its own, so that one which is slow or away delays no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Final

import structlog
from django.db import DatabaseError, connections

from actions.sweeps import SWEEPS, Service, Sweep

#: Seconds to wait for running sweeps at the end; unfinished work is taken over by other processes.
_FAREWELL_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


def poll_until(
    over: threading.Event, aliases: Iterable[str], *, every: float, sweeps: Iterable[Sweep] = SWEEPS
) -> None:  # fmt: skip
    """Run all ``sweeps`` in all databases, waiting ``every`` seconds in between, until ``over`` is set."""
    works = [sweep.work for sweep in sweeps for _ in range(sweep.threads)]
    threads = [
        threading.Thread(target=_poll, args=(work, alias, every, over), name=f"sweep of {alias}", daemon=True)
        for alias in aliases
        for work in works
    ]
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


def _poll(work: Service, alias: str, every: float, over: threading.Event) -> None:
    while not over.is_set():
        _try(work, alias, over)
        over.wait(every)
    connections.close_all()


def _try(work: Service, alias: str, over: threading.Event) -> None:
    try:
        work(alias, over)
    except DatabaseError as error:
        log.warning("database_not_swept", database=alias, reason=type(error).__name__)
        # A broken connection is not used again.
        connections.close_all()
    except Exception:
        # The rows are still there, and the next sweep may succeed.
        log.exception("sweep_failed", database=alias)
        connections.close_all()
