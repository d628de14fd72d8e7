"""Orders to an operation: pause, resume, cancel, retry.

Queued items are cancelled at once; a chunk that runs is finished. Each order is one transaction; items are locked
before their operation, as everywhere in the engine. The caller of resume and retry wakes the workers after the commit.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import structlog
from django.db import connections, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from operations.batch_models import BatchOperation, ItemState, OperationItem
from operations.engine import progress
from operations.engine.cancellation import cancel_queued
from operations.engine.ends import ITEMS, OPERATIONS
from operations.engine.events import emit
from operations.errors import NothingToRetry, OperationHasEnded, OperationIsNotPaused
from tenants.access import Actor
from tenants.current_tenant import current_tenant

_RETRY: Final = f"""
WITH again AS (
    UPDATE {ITEMS} i
       SET state = 'queued', attempts = 0, crashes = 0, next_attempt_at = NULL, finished_at = NULL, error_code = '',
           error = '', error_details = '[]', is_final = FALSE
     WHERE i.operation_id = %(operation)s AND i.state = 'failed' AND (%(force)s OR NOT i.is_final)
       AND (%(numbers)s::int[] IS NULL OR i.number = ANY(%(numbers)s)) RETURNING 1)
UPDATE {OPERATIONS} o
   SET failed = o.failed - c.amount, finished_at = NULL, stretch_started_at = NULL, faults_in_row = 0,
       cancelled_at = NULL, stopped_reason = '', plan_hash = '', paused_at = NULL, resume_at = NULL, pause_reason = ''
  FROM (SELECT count(*) AS amount FROM again) c
 WHERE o.id = %(operation)s AND c.amount > 0
RETURNING c.amount"""  # noqa: S608 - names of our own tables

audit = structlog.get_logger("partner_engine.audit")


def pause(operation: BatchOperation, *, actor: Actor, reason: str = "") -> None:
    """Pause ``operation`` until it is resumed; chunks that run are finished. Raises ``OperationHasEnded``."""
    changed = _open(operation).update(paused_at=Now(), resume_at=None, pause_reason=reason[:200])
    _require(operation, changed)
    _note("paused", operation, actor=actor)


def resume(operation: BatchOperation, *, actor: Actor) -> None:
    """Let a paused ``operation`` go on. Raises ``OperationHasEnded``, ``OperationIsNotPaused``."""
    paused = _open(operation).exclude(paused_at=None)
    changed = paused.update(paused_at=None, resume_at=None, pause_reason="", faults_in_row=0, stretch_started_at=None)
    if not changed:
        _require(operation, _open(operation).count())
        raise OperationIsNotPaused
    _note("resumed", operation, actor=actor)


def cancel(operation: BatchOperation, *, actor: Actor) -> None:
    """Cancel what is queued of ``operation``; chunks that run are finished. Raises ``OperationHasEnded``."""
    _require(operation, _open(operation).update(cancelled_at=Now(), paused_at=None, resume_at=None))
    cancel_queued(operation, alias=_alias())
    _note("cancelled", operation, actor=actor)


def retry(
    operation: BatchOperation, *, actor: Actor, numbers: Collection[int] | None = None, force: bool = False
) -> int:  # fmt: skip
    """Queue failed items of ``operation`` again, in the same operation; return how many.

    ``numbers`` names items, all others stay as they are; None means all. Items whose reason does not change are left
    out unless ``force``. Items that completed or were cancelled are never touched. Raises ``NothingToRetry``.
    """
    values: dict[str, Any] = {
        "operation": operation.id,
        "force": force,
        "numbers": None if numbers is None else sorted(set(numbers)),
    }
    alias = _alias()
    with transaction.atomic(using=alias):
        with connections[alias].cursor() as cursor:
            cursor.execute(_RETRY, values)
            row = cursor.fetchone()
        if row is None:
            final = 0 if force else to_retry(operation, numbers=numbers, force=True).count()
            raise NothingToRetry(final=final)
        emit("retry", operation, alias=alias)
    _note("retried", operation, actor=actor, items=row[0], force=force)
    return int(row[0])


def to_retry(
    operation: BatchOperation, *, numbers: Collection[int] | None = None, force: bool = False
) -> QuerySet[OperationItem]:
    """Return the items that ``retry`` with the same arguments would queue."""
    failed = OperationItem.objects.filter(operation_id=operation.id, state=ItemState.FAILED)
    named = failed if numbers is None else failed.filter(number__in=set(numbers))
    return named if force else named.filter(is_final=False)


def _open(operation: BatchOperation) -> Any:
    return BatchOperation.objects.filter(pk=operation.id, finished_at=None)


def _require(operation: BatchOperation, changed: int) -> None:
    if not changed:
        raise OperationHasEnded


def _alias() -> str:
    return current_tenant().database_alias


def _note(what: str, operation: BatchOperation, *, actor: Actor, **values: Any) -> None:
    """Log an order for the audit, and announce the new state."""
    audit.info(
        f"audit.operation_{what}",
        operation=str(operation.id),
        kind=operation.kind,
        actor_type=actor.type,
        actor_id=actor.id,
        source=actor.source,
        **values,
    )
    progress.announce(operation.id, alias=_alias(), is_last=True)
