"""Holds: while a process works on a copy, the copy is not cloned.

A hold is a short lease on the process's row, kept alive by a thread of the process that works: when that thread dies,
the lease expires a few seconds later. Start and end are the database's time.
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

from batch.errors import NoRunningProcess
from batch.misuse import HoldTooLong
from forms.models import Process
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The longest time that a copy is held, in seconds.
MOST_SECONDS: Final = 300.0
#: The length of a lease, after which a crash leaves nothing behind, and the interval of its renewal.
LEASE_SECONDS: Final = 10.0
RENEW_SECONDS: Final = 3.0

log = structlog.get_logger(__name__)

_LEASE: Final = (
    f"UPDATE {Process._meta.db_table} SET held_until = clock_timestamp() + make_interval(secs => %s)"  # noqa: S608
    " WHERE id = %s AND tenant_id = %s AND copy_id = %s AND state = 'running'"
)
#: The first lease is not taken while another one is alive: another worker may still run the process.
_ALONE: Final = " AND (held_until IS NULL OR held_until <= clock_timestamp())"
_FREE: Final = f"UPDATE {Process._meta.db_table} SET held_until = NULL WHERE id = %s AND tenant_id = %s"  # noqa: S608


@contextmanager
def hold_copy(process: UUID | None, *, copy_id: UUID, seconds: float, scope: Tenant) -> Iterator[None]:
    """Hold the copy of ``process`` while the block runs, for at most ``seconds`` (300 at most); for None nothing is
    held.

    Raises ``HoldTooLong``, ``NoRunningProcess`` where the copy has no such process that is running, or another one
    holds it already.
    """
    if not 0 < seconds <= MOST_SECONDS:
        raise HoldTooLong
    if process is None:
        yield
        return
    hold = _Hold(process, copy_id, scope, ends=time.monotonic() + seconds)
    if not hold.lease(only_alone=True):
        raise NoRunningProcess(process)
    keeper = threading.Thread(target=hold.keep, name=f"hold-{process}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        hold.done.set()
        keeper.join()
        hold.free()


class _Hold:
    """The lease on one process's row."""

    def __init__(self, process: UUID, copy_id: UUID, scope: Tenant, *, ends: float) -> None:
        self.done = threading.Event()
        self._process = process
        self._copy_id = copy_id
        self._scope = scope
        self._ends = ends

    def lease(self, *, only_alone: bool = False) -> bool:
        """Extend the lease; return whether the process could be leased."""
        seconds = min(LEASE_SECONDS, self._ends - time.monotonic())
        text = _LEASE + (_ALONE if only_alone else "")
        return seconds > 0 and self._execute(text, [seconds, self._process, self._scope.id, self._copy_id]) == 1

    def keep(self) -> None:
        """Renew the lease until the work is ``done`` or its time is over; runs in its own thread."""
        try:
            while not self.done.wait(RENEW_SECONDS) and time.monotonic() < self._ends:
                try:
                    self.lease()
                except DatabaseError as error:
                    # The next renewal may succeed, on a new connection; if none does, the copy can be cloned a little
                    # early.
                    log.warning("hold_not_renewed", process=str(self._process), reason=type(error).__name__)
                    connections[self._scope.database_alias].close()
        finally:
            connections[self._scope.database_alias].close()

    def free(self) -> None:
        """End the lease; if that fails, it expires."""
        try:
            self._execute(_FREE, [self._process, self._scope.id])
        except DatabaseError as error:
            log.warning("hold_not_freed", process=str(self._process), reason=type(error).__name__)

    def _execute(self, text: str, parameters: list[float | UUID]) -> int:
        with use_tenant(self._scope), connections[self._scope.database_alias].cursor() as cursor:
            cursor.execute(text, parameters)
            return int(cursor.rowcount)
