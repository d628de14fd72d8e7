"""The circuit breaker of an operation: it pauses while the database or a carrier is away, and goes on by itself.

The first chunk after a pause is the trial: one success closes the breaker, a fault makes the next pause twice as long.
"""

from __future__ import annotations

from typing import Final

import structlog
from django.db import connections

from operations.batch_models import BatchOperation
from operations.engine.ends import OPERATIONS
from operations.engine.limits import pause_seconds
from operations.engine.metrics import breaker_pauses

AWAY: Final = "Paused by itself: another system does not respond. It goes on when that system is back."
SWITCHED_OFF: Final = "Batch operations are switched off. It goes on when they are on again."
#: Seconds between two looks at a flag that is off.
_FLAG_SECONDS: Final = 1.0
_FAULT: Final = f"""
UPDATE {OPERATIONS} SET faults_in_row = least(faults_in_row + 1, 1000)
 WHERE id = %(operation)s RETURNING faults_in_row"""  # noqa: S608 - names of our own table, here and below
_PAUSE: Final = f"""
UPDATE {OPERATIONS}
   SET paused_at = COALESCE(paused_at, clock_timestamp()), pause_reason = %(reason)s,
       resume_at = clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE id = %(operation)s AND finished_at IS NULL AND (paused_at IS NULL OR resume_at IS NOT NULL)"""  # noqa: S608

log = structlog.get_logger(__name__)


def note_fault(operation: BatchOperation, *, alias: str) -> None:
    """Count a chunk of ``operation`` that failed for a reason outside of it; pause it after several in a row."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_FAULT, {"operation": operation.id})
        row = cursor.fetchone()
    seconds = pause_seconds(row[0]) if row else 0.0
    if seconds:
        breaker_pauses.labels(operation.kind).inc()
        log.warning("operation_breaker_open", operation=str(operation.id), faults=row[0], seconds=seconds)
        _pause(operation, reason=AWAY, seconds=seconds, alias=alias)


def pause_while_switched_off(operation: BatchOperation, *, alias: str) -> None:
    """Pause ``operation`` until the flag is on again; a worker looks every second."""
    _pause(operation, reason=SWITCHED_OFF, seconds=_FLAG_SECONDS, alias=alias)


def _pause(operation: BatchOperation, *, reason: str, seconds: float, alias: str) -> None:
    """Pause for ``seconds``; a pause that a person ordered stays as it is."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_PAUSE, {"operation": operation.id, "reason": reason, "seconds": seconds})
