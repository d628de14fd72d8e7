"""Holds: while a process works on a copy, the copy is not cloned.

A hold is a short lease on the process's row, kept alive by a thread of the process that works: when that dies, the
lease runs out by itself a few seconds later. Both ends are told by the database's clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connections

from batch.errors import HoldTooLong, UnknownNeighbour
from batch.models import Process
from tenants.models import Tenant
from tenants.scoping import use_tenant

#: The longest time that a copy is held, in seconds.
MOST_SECONDS: Final = 300.0
#: How long a lease lasts and how often it is renewed: what a crash leaves behind is gone after the one.
LEASE_SECONDS: Final = 10.0
RENEW_SECONDS: Final = 3.0

log = structlog.get_logger(__name__)

_LEASE: Final = (
    f"UPDATE {Process._meta.db_table} SET held_until = clock_timestamp() + make_interval(secs => %s)"  # noqa: S608
    " WHERE id = %s AND tenant_id = %s AND state = 'running'"
)
_FREE: Final = f"UPDATE {Process._meta.db_table} SET held_until = NULL WHERE id = %s AND tenant_id = %s"  # noqa: S608


@contextmanager
def hold_copy(process: UUID | None, *, seconds: float, scope: Tenant) -> Iterator[None]:
    """Hold the copy of ``process`` while the block runs, for at most ``seconds`` (300 at most); None holds nothing.

    Raises ``HoldTooLong``, ``UnknownNeighbour`` where no such process is running.
    """
    if not 0 < seconds <= MOST_SECONDS:
        raise HoldTooLong
    if process is None:
        yield
        return
    ends = time.monotonic() + seconds
    if not _lease(process, min(LEASE_SECONDS, seconds), scope):
        raise UnknownNeighbour("running processes", process)
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(process, scope, ends, done), name=f"hold-{process}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        _execute(_FREE, [process, scope.id], scope)


def _keep(process: UUID, scope: Tenant, ends: float, done: threading.Event) -> None:
    """Renew the lease until the work is ``done`` or its time is over; in a thread of its own."""
    try:
        while not done.wait(RENEW_SECONDS):
            left = ends - time.monotonic()
            if left <= 0:
                return
            try:
                _lease(process, min(LEASE_SECONDS, left), scope)
            except DatabaseError as error:
                # The next renewal may succeed; if none does, the copy can be cloned a little early.
                log.warning("hold_not_renewed", process=str(process), reason=type(error).__name__)
    finally:
        connections[scope.database_alias].close()


def _lease(process: UUID, seconds: float, scope: Tenant) -> bool:
    return _execute(_LEASE, [seconds, process, scope.id], scope) == 1


def _execute(text: str, parameters: list[float | UUID], scope: Tenant) -> int:
    with use_tenant(scope), connections[scope.database_alias].cursor() as cursor:
        cursor.execute(text, parameters)
        return int(cursor.rowcount)
