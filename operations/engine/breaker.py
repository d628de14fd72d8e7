"""The circuit breaker of a kind of operation within a tenant: it pauses all of them while a system they need is away.

Its state is on the rows of the open operations of that kind: how many chunks in a row failed for reasons outside of
them, and when the pause ends. Then one worker takes the trial, a single chunk of one of the operations. Its success
lets all of them go on; another fault makes the next pause twice as long. Other kinds and tenants are not affected.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.db import connections, transaction

from operations.batch_models import BatchOperation
from operations.engine.ends import OPERATIONS
from operations.engine.limits import FAULTS_TO_PAUSE, pause_seconds
from operations.engine.metrics import breaker_pauses

AWAY: Final = "Paused by itself: another system does not respond. It goes on when that system is back."
SWITCHED_OFF: Final = "Batch operations are switched off. It goes on when they are on again."
#: Seconds between two looks at a flag that is off.
_FLAG_SECONDS: Final = 1.0
#: The open operations of a kind, and the one at hand, locked in one order.
_OF_KIND: Final = f"""
WITH of_kind AS (
    SELECT o.id, o.faults_in_row, o.resume_at FROM {OPERATIONS} o
     WHERE o.tenant_id = %(tenant)s AND o.kind = %(kind)s
       AND (o.finished_at IS NULL OR o.id = %(operation)s)
     ORDER BY o.id FOR NO KEY UPDATE)"""  # noqa: S608 - names of our own table, here and below
_FAULT: Final = f"""{_OF_KIND}
UPDATE {OPERATIONS} o SET faults_in_row = least((SELECT max(faults_in_row) FROM of_kind) + 1, 1000)
  FROM of_kind WHERE o.id = of_kind.id
RETURNING o.faults_in_row"""  # noqa: S608
#: What pauses an operation; a pause that a person ordered stays as it is.
_PAUSED: Final = """
       paused_at = COALESCE(o.paused_at, clock_timestamp()), pause_reason = %(reason)s,
       resume_at = clock_timestamp() + make_interval(secs => %(seconds)s)"""
_MAY_PAUSE: Final = "o.finished_at IS NULL AND (o.paused_at IS NULL OR o.resume_at IS NOT NULL)"
_OPEN: Final = f"""{_OF_KIND}
UPDATE {OPERATIONS} o SET {_PAUSED} FROM of_kind WHERE o.id = of_kind.id AND {_MAY_PAUSE}"""  # noqa: S608
_WAIT: Final = f"UPDATE {OPERATIONS} o SET {_PAUSED} WHERE o.id = %(operation)s AND {_MAY_PAUSE}"  # noqa: S608
_TRIAL: Final = f"""{_OF_KIND}
UPDATE {OPERATIONS} o SET resume_at = clock_timestamp() + make_interval(secs => %(seconds)s)
  FROM of_kind WHERE o.id = of_kind.id AND o.resume_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM of_kind other WHERE other.faults_in_row >= {FAULTS_TO_PAUSE}
                                           AND other.resume_at > clock_timestamp())"""  # noqa: S608
_CLOSE: Final = f"""{_OF_KIND},
freed AS (SELECT o.id FROM {OPERATIONS} o JOIN of_kind ON o.id = of_kind.id
           WHERE o.resume_at IS NOT NULL)
UPDATE {OPERATIONS} o
   SET faults_in_row = 0,
       paused_at = CASE WHEN freed.id IS NULL THEN o.paused_at END,
       resume_at = CASE WHEN freed.id IS NULL THEN o.resume_at END,
       pause_reason = CASE WHEN freed.id IS NULL THEN o.pause_reason ELSE '' END,
       stretch_started_at = CASE WHEN freed.id IS NULL THEN o.stretch_started_at END
  FROM of_kind LEFT JOIN freed ON freed.id = of_kind.id WHERE o.id = of_kind.id"""  # noqa: S608
_JOIN: Final = f"""
UPDATE {OPERATIONS} o
   SET faults_in_row = paused.faults_in_row, paused_at = clock_timestamp(), resume_at = paused.resume_at,
       pause_reason = %(reason)s
  FROM (SELECT k.faults_in_row, k.resume_at FROM {OPERATIONS} k
         WHERE k.tenant_id = %(tenant)s AND k.kind = %(kind)s AND k.finished_at IS NULL AND k.id <> %(operation)s
           AND k.faults_in_row >= {FAULTS_TO_PAUSE} AND k.resume_at IS NOT NULL
         ORDER BY k.resume_at DESC LIMIT 1) paused
 WHERE o.id = %(operation)s
RETURNING o.faults_in_row, o.paused_at, o.resume_at, o.pause_reason"""  # noqa: S608

log = structlog.get_logger(__name__)


def note_fault(operation: BatchOperation, *, alias: str) -> None:
    """Count a chunk of ``operation`` that failed for a reason outside of it; after several in a row, pause the tenant's
    operations of its kind.
    """
    values = _values(operation)
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_FAULT, values)
        row = cursor.fetchone()
        seconds = pause_seconds(row[0]) if row else 0.0
        if not seconds:
            return
        cursor.execute(_OPEN, {**values, "reason": AWAY, "seconds": seconds})
    breaker_pauses.labels(operation.kind).inc()
    log.warning("operation_breaker_open", operation=str(operation.id), faults=row[0], seconds=seconds)


def note_success(operation: BatchOperation, *, alias: str) -> None:
    """Let the tenant's operations of this kind go on: what they need responds again."""
    _run(_CLOSE, alias=alias, **_values(operation))
    log.info("operation_breaker_closed", operation=str(operation.id))


def take_trial(operation: BatchOperation, *, seconds: float, alias: str) -> bool:
    """Take the trial of this kind for ``seconds``; return False while another worker has it or the pause goes on."""
    return bool(_run(_TRIAL, alias=alias, **_values(operation), seconds=seconds))


def join_pause(operation: BatchOperation, *, alias: str) -> None:
    """Pause a new ``operation`` together with others of its kind, if the breaker has paused these."""
    values = {**_values(operation), "reason": AWAY}
    with connections[alias].cursor() as cursor:
        cursor.execute(_JOIN, values)
        row = cursor.fetchone()
    if row is not None:
        operation.faults_in_row, operation.paused_at, operation.resume_at, operation.pause_reason = row


def pause_while_switched_off(operation: BatchOperation, *, alias: str) -> None:
    """Pause ``operation`` until the flag is on again; a worker looks every second."""
    _run(_WAIT, alias=alias, operation=operation.id, reason=SWITCHED_OFF, seconds=_FLAG_SECONDS)


def _values(operation: BatchOperation) -> dict[str, Any]:
    return {"operation": operation.id, "tenant": operation.tenant_id, "kind": operation.kind}


def _run(text: str, *, alias: str, **values: Any) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(text, values)
        return int(cursor.rowcount)
