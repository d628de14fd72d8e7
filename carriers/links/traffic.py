"""The traffic log: records of requests to carriers, written in the background by one thread per process.

A call never waits for its log entry and needs no database connection. The entries of the last moment before a process
is killed are lost; the state of quotes does not depend on them.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connections

from carriers.link_models import CarrierCall
from carriers.links.link import CallContext
from carriers.links.metrics import unlogged
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: Entries that wait at most; further ones are counted and dropped.
MOST_WAITING: Final = 10_000
AT_ONCE: Final = 200
#: How long a process that ends waits for its last entries, in seconds.
_LAST_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CallRecord:
    """One request to a carrier, as the log stores it."""

    link_id: UUID
    catalogue: str
    carrier: str
    operation: str
    status: int | None
    error: str
    detail: str
    #: In milliseconds.
    duration: int
    context: CallContext
    reply: dict[str, Any] | None = field(repr=False)
    at: datetime


class TrafficLog:
    """The log of one process."""

    def __init__(self) -> None:
        """Begin without a thread; the first entry starts it."""
        self._waiting: queue.Queue[CallRecord] = queue.Queue(MOST_WAITING)
        self._guard = threading.Lock()
        self._writer: threading.Thread | None = None

    def add(self, record: CallRecord) -> None:
        """Write ``record`` soon; drop it if too many are waiting."""
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            unlogged.inc()
            return
        with self._guard:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="carrier traffic", daemon=True)
                self._writer.start()

    def flush(self, *, seconds: float) -> bool:
        """Wait until everything is written, at most ``seconds``; return whether it is."""
        waiter = threading.Thread(target=self._waiting.join, daemon=True)
        waiter.start()
        waiter.join(seconds)
        return not waiter.is_alive()

    def _write_all(self) -> None:
        """Write entries until none has come for a moment, then close the connections and end."""
        while True:
            records = self._next()
            try:
                write_calls(records)
            finally:
                for _ in records:
                    self._waiting.task_done()
            if not records:
                connections.close_all()
                with self._guard:
                    if self._waiting.empty():
                        self._writer = None
                        return

    def _next(self) -> list[CallRecord]:
        records: list[CallRecord] = []
        try:
            records.append(self._waiting.get(timeout=1.0))
            while len(records) < AT_ONCE:
                records.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return records


_logs: dict[int, TrafficLog] = {}


def traffic_log() -> TrafficLog:
    """Return the log of this process; a forked child has its own."""
    return _logs.setdefault(os.getpid(), TrafficLog())


def note_call(record: CallRecord) -> None:
    """Add ``record`` to the traffic log."""
    traffic_log().add(record)


def write_calls(records: Sequence[CallRecord]) -> None:
    """Write ``records`` to the databases of their tenants; count those that fail."""
    if not records:
        return
    by_tenant: dict[UUID, list[CallRecord]] = defaultdict(list)
    for record in records:
        by_tenant[record.context.tenant_id].append(record)
    try:
        tenants = Tenant.objects.in_bulk(list(by_tenant))
    except DatabaseError as error:
        _drop(len(records), error)
        return
    for tenant_id, own in by_tenant.items():
        tenant = tenants.get(tenant_id)
        if tenant is None:
            continue  # It was deleted meanwhile.
        try:
            with use_tenant(tenant):
                CarrierCall.objects.bulk_create([_row(record) for record in own])
        except DatabaseError as error:
            _drop(len(own), error)


def _row(record: CallRecord) -> CarrierCall:
    context = record.context
    return CarrierCall(
        tenant_id=context.tenant_id,
        link_id=record.link_id,
        catalogue=record.catalogue,
        carrier=record.carrier,
        operation=record.operation,
        status=record.status,
        error=record.error,
        detail=record.detail,
        duration=record.duration,
        copy_id=context.copy_id,
        request_id=context.request_id,
        correlation_id=context.correlation_id[:64],
        body=context.logged_body,
        reply=record.reply,
        created_at=record.at,
    )


def _drop(number: int, error: DatabaseError) -> None:
    unlogged.inc(number)
    log.warning("carrier_calls_unlogged", number=number, reason=type(error).__name__)


@atexit.register
def _write_last() -> None:
    """Give the last entries of an ending process a moment."""
    own = _logs.get(os.getpid())
    if own is not None:
        own.flush(seconds=_LAST_SECONDS)
