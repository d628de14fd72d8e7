"""The status of an operation as people and programs see it: state, counts, percentages and the time left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from django.db import connections
from django.db.models import Count

from operations.batch_models import BatchOperation, ItemState, OperationItem
from operations.state_words import STAGES
from tenants.current_tenant import current_tenant


class OperationState(StrEnum):
    """The state of an operation."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    PARTIAL = "partial"
    CANCELLED = "cancelled"


class OperationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status of one operation. Percentages have one decimal; ``success_rate`` is None until an item has ended."""

    id: UUID
    total: int
    queued: int
    in_progress: int
    completed: int
    failed: int
    cancelled: int
    state: OperationState
    progress_percent: float
    success_rate: float | None
    seconds_left: float | None
    stage: str
    message: str

    @property
    def ended(self) -> int:
        """Return how many items have ended."""
        return self.completed + self.failed + self.cancelled


def status_of(operation: BatchOperation) -> OperationStatus:
    """Return the status of ``operation``, whose row was loaded just now; one query counts the items in progress."""
    return statuses_of([operation])[0]


def statuses_of(operations: Iterable[BatchOperation]) -> list[OperationStatus]:
    """Return the status of each of ``operations`` of the current tenant, in their order, with two queries."""
    listed = list(operations)
    open_ids = [one.id for one in listed if one.finished_at is None]
    in_progress: dict[UUID, int] = {}
    now: datetime | None = None
    if open_ids:
        counted = OperationItem.objects.filter(operation_id__in=open_ids, state=ItemState.IN_PROGRESS).order_by()
        rows = counted.values_list("operation_id").annotate(amount=Count("id"))
        in_progress = dict(rows)
        now = _database_time()
    return [computed(one, in_progress=in_progress.get(one.id, 0), now=now) for one in listed]


def computed(operation: BatchOperation, *, in_progress: int, now: datetime | None) -> OperationStatus:
    """Return the status of ``operation`` with so many items ``in_progress`` at the database's time ``now``. Pure."""
    ended = operation.completed + operation.failed + operation.cancelled
    in_progress = min(in_progress, operation.total - ended)
    state = _state(operation, ended=ended, in_progress=in_progress)
    tried = operation.completed + operation.failed
    return OperationStatus(
        id=operation.id,
        total=operation.total,
        queued=operation.total - ended - in_progress,
        in_progress=in_progress,
        completed=operation.completed,
        failed=operation.failed,
        cancelled=operation.cancelled,
        state=state,
        progress_percent=percent(ended, operation.total),
        success_rate=percent(operation.completed, tried) if tried else None,
        seconds_left=_seconds_left(operation, ended=ended, state=state, now=now),
        stage=STAGES[state],
        message=_message(operation, state=state, ended=ended),
    )


def percent(part: int, whole: int) -> float:
    """Return ``part`` of ``whole`` in percent with one decimal; 100.0 only if it is all, and of nothing."""
    if part >= whole:
        return 100.0
    return min(99.9, round(100.0 * part / whole, 1))


def _state(operation: BatchOperation, *, ended: int, in_progress: int) -> OperationState:
    if ended >= operation.total:
        if operation.cancelled:
            return OperationState.CANCELLED
        return OperationState.PARTIAL if operation.failed else OperationState.COMPLETED
    if operation.cancelled_at is not None:
        # The chunks that were running end first.
        return OperationState.IN_PROGRESS
    if operation.paused_at is not None:
        return OperationState.PAUSED
    return OperationState.IN_PROGRESS if ended or in_progress or operation.started_at else OperationState.PENDING


def _seconds_left(
    operation: BatchOperation, *, ended: int, state: OperationState, now: datetime | None
) -> float | None:  # fmt: skip
    """Return the time left at the pace since the operation was started, resumed or retried last; once a twentieth has
    ended, at the pace since then.
    """
    if state not in (OperationState.PENDING, OperationState.IN_PROGRESS):
        return None
    remaining = operation.total - ended
    began, done = operation.stretch_started_at, ended - operation.stretch_began_with
    if began is not None and not done and ended * 10 < operation.total:
        # Measured anew from this moment on: until the next end the pace since the start counts.
        began, done = operation.started_at, ended
    if began is not None and now is not None and done > 0:
        passed = (now - began).total_seconds()
        return round(remaining * passed / done, 1)
    if operation.estimated_seconds is None or not operation.total:
        return None
    return round(operation.estimated_seconds * remaining / operation.total, 1)


def _message(operation: BatchOperation, *, state: OperationState, ended: int) -> str:
    counts = f"{ended:,} of {operation.total:,} {'item has' if operation.total == 1 else 'items have'} ended"
    if operation.stopped_reason and operation.cancelled_at is not None:
        return operation.stopped_reason
    if operation.cancelled_at is not None and state is OperationState.IN_PROGRESS:
        return f"Cancelled; items that had begun are finished. {counts}."
    if state is OperationState.PAUSED:
        return f"{operation.pause_reason or 'Paused.'} {counts}."
    if state is OperationState.PENDING and operation.depends_on is not None:
        return "Waits until the operation that it depends on has ended."
    parts = [f"{operation.completed:,} completed", f"{operation.failed:,} failed"]
    if operation.cancelled:
        parts.append(f"{operation.cancelled:,} cancelled")
    return f"{counts}: {', '.join(parts)}."


def _database_time() -> datetime:
    with connections[current_tenant().database_alias].cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
