"""Cancels what is queued of an operation: by order, because its creator may not go on, or after too many failures."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from django.db import connections
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from operations.batch_models import BatchOperation
from operations.engine import progress
from operations.engine.ends import COUNTED, ITEMS, OPERATIONS, Counts, run_counted
from operations.engine.limits import LEAST_ENDED

_CANCEL: Final = f"""
WITH ended AS (
    UPDATE {ITEMS} i SET state = 'cancelled', next_attempt_at = NULL, finished_at = clock_timestamp()
     WHERE i.operation_id = %(operation)s AND i.state = 'queued' RETURNING 1),
amounts AS (
    SELECT count(*) AS amount, 0::bigint AS completed, 0::bigint AS failed, count(*) AS cancelled FROM ended),
{COUNTED}"""  # noqa: S608 - names of our own tables, here and below
_LEFT_QUEUED: Final = f"""
SELECT o.id FROM {OPERATIONS} o
 WHERE o.finished_at IS NULL AND o.cancelled_at IS NOT NULL
   AND EXISTS (SELECT FROM {ITEMS} i WHERE i.operation_id = o.id AND i.state = 'queued')"""  # noqa: S608

audit = structlog.get_logger("partner_engine.audit")


def stop(operation: BatchOperation, *, reason: str, alias: str) -> None:
    """Cancel what is queued because the operation may not or should not go on; ``reason`` is for people."""
    stopped = BatchOperation.objects.using(alias).filter(pk=operation.id, finished_at=None, cancelled_at=None)
    if stopped.update(cancelled_at=Now(), stopped_reason=reason[:200]):
        audit.info("audit.operation_stopped", operation=str(operation.id), reason=reason)
    cancel_queued(operation, alias=alias)


def cancel_queued(operation: BatchOperation, *, alias: str) -> Counts:
    """Cancel the queued items of a cancelled operation; return the counts. The last one to end ends the operation."""
    counts = _cancel_queued(operation.id, alias=alias)
    progress.announce(operation.id, alias=alias, is_last=counts.finished_at is not None)
    return counts


def finish_cancelled(alias: str) -> None:
    """Cancel items of cancelled operations that were queued again meanwhile; the scope is all tenants."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_LEFT_QUEUED)
        found = [row[0] for row in cursor.fetchall()]
    for operation_id in found:
        _cancel_queued(operation_id, alias=alias)


def has_failed_too_often(operation: BatchOperation, counts: Counts) -> bool:
    """Return whether the share of failures passes the operation's limit, after enough items."""
    limit = _failure_limit(operation)
    if limit is None or counts.finished_at is not None or counts.cancelled_at is not None:
        return False
    tried = counts.completed + counts.failed
    return tried >= min(LEAST_ENDED, counts.total) and 100.0 * counts.failed > limit * tried


def too_many_failures(operation: BatchOperation) -> str:
    """Return the sentence for an operation that stops because of its failures."""
    return (
        f"More than {_failure_limit(operation):g} percent of the items failed, so the rest was cancelled."
        " Correct what the reasons name, then retry."
    )


def _failure_limit(operation: BatchOperation) -> float | None:
    limit = operation.options.get("stop_after_failures_percent")
    return None if limit is None else float(limit)


def _cancel_queued(operation_id: UUID, *, alias: str) -> Counts:
    values = {"work_seconds": 0.0, "database_seconds": 0.0, "carrier_calls": 0, "event_id": uuid7()}
    return run_counted(_CANCEL, {**values, "operation": operation_id}, alias=alias)
