"""The events of batch operations for partners' systems: their types, and their rows in the outbox.

Progress and the end are stored by the statement that ends the items (``ends``): at most one event for each tenth.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django.db import connections
from uuid_utils.compat import uuid7

from operations.batch_models import BatchOperation
from operations.engine.ends import INSERT_EVENT, OPERATIONS
from webhooks.event_types import EventType


class OperationEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The data of every event of an operation: its counts at that time; ``reason`` says why it stopped by itself."""

    operation_id: str
    kind: str
    title: str
    is_dry_run: bool
    total: int
    completed: int
    failed: int
    cancelled: int
    rejected: int
    progress_percent: float
    reason: str


EVENTS: Final = EventType(
    family="batch_operation",
    names=("queued", "processing", "progress", "retry", "completed", "failed"),
    data=OperationEvent,
    when="an operation over many forms is accepted, begins, passes a tenth, is retried, ends, or ends without success",
)
_EMIT: Final = INSERT_EVENT.format(
    source=f"{OPERATIONS} o, (SELECT %(type)s::text) e (type) WHERE o.id = %(operation)s"
)


def emit(name: str, operation: BatchOperation, *, alias: str) -> None:
    """Store the event ``batch_operation.<name>`` with the operation's present counts, in the caller's transaction."""
    values: dict[str, Any] = {"event_id": uuid7(), "type": f"batch_operation.{name}", "operation": operation.id}
    with connections[alias].cursor() as cursor:
        cursor.execute(_EMIT, values)
