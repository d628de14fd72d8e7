"""Records how items ended: one statement per chunk, for its items, the counts of the operation, and its events.

It names the lease's token, so a worker that lost its lease ends nothing; items are locked before their operation, in
every statement of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections
from uuid_utils.compat import uuid7

from actions.models import OutboxAction
from operations.batch_models import BatchOperation, OperationItem
from operations.engine.limits import FAULTS_FORGIVEN, FAULTS_TO_PAUSE, WAITS
from operations.engine.plans import store_plan_hash
from operations.errors import LeaseLost
from operations.kinds.kind import ItemEnd

ITEMS: Final = OperationItem._meta.db_table
OPERATIONS: Final = BatchOperation._meta.db_table
_OUTBOX: Final = OutboxAction._meta.db_table
_TEXT_LENGTH: Final = 300
CODE_LENGTH: Final = 60

#: The data of an event, from the operation's row ``o`` with its new counts.
EVENT_DATA: Final = """jsonb_build_object(
    'operation_id', o.id, 'kind', o.kind, 'title', o.title, 'is_dry_run', o.is_dry_run, 'total', o.total,
    'completed', o.completed, 'failed', o.failed, 'cancelled', o.cancelled, 'rejected', o.rejected,
    'progress_percent', CASE WHEN o.total <= o.completed + o.failed + o.cancelled THEN 100.0 ELSE
        least(99.9, round(100.0 * (o.completed + o.failed + o.cancelled) / o.total, 1)) END,
    'reason', o.stopped_reason)"""
#: Stores an event of an operation; ``{source}`` yields the type and the operation's row ``o``.
INSERT_EVENT: Final = f"""
INSERT INTO {_OUTBOX} (id, tenant_id, kind, target, payload, payload_version, copy_id, version, correlation_id, state,
                       attempts, crashes, next_attempt_at, last_error, created_at)
SELECT %(event_id)s, o.tenant_id, 'publish_webhook', e.type || '/' || o.id,
       jsonb_build_object('event_type', e.type, 'copy_id', '', 'application_form_id', '', 'version', 0,
                          'subject', o.id, 'data', {EVENT_DATA}),
       1, NULL, NULL, o.correlation_id, 'waiting', 0, 0, statement_timestamp(), '', statement_timestamp()
  FROM {{source}}"""  # noqa: S608 - names of our own tables and columns, here and below
#: The type of the event with which an operation ends: nothing succeeded, or it was stopped by itself.
_END_TYPE: Final = """CASE WHEN o.stopped_reason <> '' OR (o.completed = 0 AND o.failed > 0)
    THEN 'batch_operation.failed' ELSE 'batch_operation.completed' END"""
#: An item to try again is cancelled instead if its operation was.
_STATE: Final = f"""CASE WHEN g.state = 'queued' AND EXISTS (
    SELECT FROM {OPERATIONS} o WHERE o.id = %(operation)s AND o.cancelled_at IS NOT NULL) THEN 'cancelled'
    ELSE g.state END"""  # noqa: S608 - names of our own tables
#: Whether the time left is computed from here on: a twentieth of the items has ended. What the start took longer, such
#: as the first load of a release, would otherwise count for each item that is left.
_IS_WARM: Final = """o.stretch_began_with * 20 < o.total
    AND (o.completed + o.failed + o.cancelled + c.completed + c.failed + c.cancelled) * 20 >= o.total
    AND (o.completed + o.failed + o.cancelled + c.completed + c.failed + c.cancelled) * 10 < o.total"""
#: Adds the counts ``c`` of the items that just ended to the operation, ends it with the last one, and emits its event.
COUNTED: Final = f"""
counted AS (
    UPDATE {OPERATIONS} o
       SET completed = o.completed + c.completed, failed = o.failed + c.failed, cancelled = o.cancelled + c.cancelled,
           work_seconds = o.work_seconds + %(work_seconds)s,
           database_seconds = o.database_seconds + %(database_seconds)s,
           carrier_calls = o.carrier_calls + %(carrier_calls)s,
           stretch_started_at = CASE WHEN {_IS_WARM} THEN clock_timestamp() ELSE o.stretch_started_at END,
           stretch_began_with = CASE WHEN {_IS_WARM}
                                     THEN o.completed + o.failed + o.cancelled + c.completed + c.failed + c.cancelled
                                     ELSE o.stretch_began_with END,
           finished_at = CASE WHEN o.completed + o.failed + o.cancelled + c.completed + c.failed + c.cancelled
                                   >= o.total THEN clock_timestamp() ELSE o.finished_at END
      FROM amounts c WHERE o.id = %(operation)s
    RETURNING o.*, c.amount, c.completed + c.failed + c.cancelled AS just_ended),
event AS (
    {
    INSERT_EVENT.format(
        source=f'''counted o, LATERAL (SELECT CASE
        WHEN o.just_ended = 0 THEN NULL
        WHEN o.finished_at IS NOT NULL THEN {_END_TYPE}
        WHEN (o.completed + o.failed + o.cancelled) * 10 / o.total
             > (o.completed + o.failed + o.cancelled - o.just_ended) * 10 / o.total THEN 'batch_operation.progress'
        END AS type) e WHERE e.type IS NOT NULL'''
    )
})
SELECT amount, total, completed, failed, cancelled, finished_at, cancelled_at, faults_in_row,
       is_dry_run FROM counted"""  # noqa: S608
_END: Final = f"""
WITH given AS (
    SELECT * FROM json_to_recordset(%(rows)s)
        AS g (id uuid, state text, wait float8, code text, error text, details jsonb, is_final boolean, result jsonb,
              undo jsonb, copy_id uuid, form_id uuid, before integer, after integer)),
ended AS (
    UPDATE {ITEMS} i
       SET state = {_STATE}, lease_token = NULL, leased_until = NULL,
           next_attempt_at = CASE WHEN g.state = 'queued' THEN clock_timestamp() + make_interval(secs => g.wait) END,
           attempts = i.attempts - CASE WHEN g.state = 'queued' THEN %(uncounted)s ELSE 0 END,
           error_code = g.code, error = g.error, error_details = g.details, is_final = g.is_final,
           result = g.result, undo = g.undo, copy_id = COALESCE(g.copy_id, i.copy_id),
           application_form_id = COALESCE(g.form_id, i.application_form_id),
           version_before = g.before, version_after = g.after, seconds = %(seconds)s,
           finished_at = CASE WHEN g.state = 'queued' THEN NULL ELSE clock_timestamp() END
      FROM given g WHERE i.id = g.id AND i.lease_token = %(token)s AND i.state = 'in_progress'
    RETURNING i.state),
amounts AS (
    SELECT count(*) AS amount, count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'cancelled') AS cancelled
      FROM ended),
{COUNTED}"""  # noqa: S608


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of an operation just after items of it ended; ``amount`` items were recorded by this statement."""

    amount: int
    total: int
    completed: int
    failed: int
    cancelled: int
    finished_at: datetime | None
    cancelled_at: datetime | None
    faults_in_row: int
    is_dry_run: bool

    @property
    def ended(self) -> int:
        """Return how many items have ended."""
        return self.completed + self.failed + self.cancelled


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of a part of a chunk: seconds of work, of these in the database, and calls of carriers."""

    work_seconds: float = 0.0
    database_seconds: float = 0.0
    carrier_calls: int = 0


def end_items(  # noqa: PLR0913 - each is named at the call
    ends: Sequence[ItemEnd],
    *,
    alias: str,
    operation_id: UUID,
    token: UUID,
    tries: dict[UUID, int],
    faults: int = 0,
    cost: Cost | None = None,
) -> Counts:
    """Record ``ends`` of items that the lease ``token`` holds; return the operation's counts afterwards.

    ``tries`` are the attempts of each item so far; a transient refusal queues the item again until its waits are used
    up. Attempts do not count while the circuit breaker is at work (``faults`` in a row). Raises ``LeaseLost`` unless
    all items are still held, and ``DatabaseError``: call it within a transaction, which that undoes. The last end of a
    dry run stores the hash of the plan in the same transaction.
    """
    is_uncounted = FAULTS_TO_PAUSE <= faults < FAULTS_FORGIVEN
    cost = cost or Cost()
    rows = [_row(end, tries=tries[end.item_id], is_uncounted=is_uncounted) for end in ends]
    parameters: dict[str, Any] = {
        # One text of JSON: the driver would quote each text of an array by itself.
        "rows": msgspec.json.encode(rows).decode(),
        "token": token,
        "operation": operation_id,
        "uncounted": int(is_uncounted),
        "seconds": cost.work_seconds / max(1, len(ends)),
        "work_seconds": cost.work_seconds,
        "database_seconds": cost.database_seconds,
        "carrier_calls": cost.carrier_calls + sum(end.carrier_calls for end in ends),
        "event_id": uuid7(),
    }
    counts = run_counted(_END, parameters, alias=alias)
    if counts.amount != len(ends):
        raise LeaseLost
    if counts.is_dry_run and counts.finished_at is not None and counts.cancelled_at is None:
        store_plan_hash(operation_id, alias=alias)
    return counts


def run_counted(text: str, parameters: dict[str, Any], *, alias: str) -> Counts:
    """Run a statement that ends with ``COUNTED``; return the counts. Raises ``LeaseLost`` without the operation."""
    with connections[alias].cursor() as cursor:
        cursor.execute(text, parameters)
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost
    return Counts(**dict(zip(Counts.__struct_fields__, row, strict=True)))


def _row(end: ItemEnd, *, tries: int, is_uncounted: bool) -> dict[str, Any]:
    """Return the columns of an end in the statement."""
    refusal = end.refusal
    state, wait = "completed", 0.0
    if refusal is not None:
        state = "failed"
        if refusal.transient and (is_uncounted or tries <= len(WAITS)):
            state, wait = "queued", WAITS[min(tries, len(WAITS)) - 1]
    return {
        "id": end.item_id,
        "state": state,
        "wait": wait,
        "code": refusal.code[:CODE_LENGTH] if refusal else "",
        "error": refusal.detail[:_TEXT_LENGTH] if refusal else "",
        "details": refusal.errors if refusal else [],
        "is_final": bool(refusal and refusal.final),
        "result": {"outcome": end.outcome, **end.result} if refusal is None else end.result,
        "undo": end.undo,
        "copy_id": end.copy_id,
        "form_id": end.application_form_id,
        "before": end.version_before,
        "after": end.version_after,
    }
