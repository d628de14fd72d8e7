"""The database queries of the sockets of batch operations. They run in threads; each call sets its own tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from operations.engine.status import OperationStatus, statuses_of
from operations.models import BatchOperation
from partner_engine.live.progress_frames import Counts, Progress
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The most operations that a user's own channel follows.
MOST_FOLLOWED: Final = 100


def progress_of(tenant: Tenant, operation_id: UUID) -> list[Progress]:
    """Return the state of one operation, nothing if the tenant has no such operation."""
    with use_tenant(tenant):
        return _frames(_rows().filter(pk=operation_id))


def progress_of_owner(tenant: Tenant, owner: tuple[str, str], also: Collection[UUID]) -> list[Progress]:
    """Return the states of an actor's open operations, and of those in ``also``, the oldest first."""
    with use_tenant(tenant):
        own = _rows().filter(created_by_type=owner[0], created_by_id=owner[1])
        followed = own.filter(Q(finished_at=None) | Q(pk__in=also)).order_by("-created_at", "-id")[:MOST_FOLLOWED]
        return list(reversed(_frames(followed)))


def _rows() -> QuerySet[BatchOperation]:
    return BatchOperation.objects.defer("arguments", "rejections")


def _frames(rows: Iterable[BatchOperation]) -> list[Progress]:
    operations = list(rows)
    return [_frame(row, status) for row, status in zip(operations, statuses_of(operations), strict=True)]


def _frame(operation: BatchOperation, status: OperationStatus) -> Progress:
    return Progress(
        operation=str(operation.id),
        kind=operation.kind,
        title=operation.title,
        state=status.state.value,
        stage=status.stage,
        percentage=status.progress_percent,
        message=status.message,
        counts=Counts(
            total=status.total,
            queued=status.queued,
            in_progress=status.in_progress,
            completed=status.completed,
            failed=status.failed,
            cancelled=status.cancelled,
        ),
        seconds_left=status.seconds_left,
    )
