"""Celery tasks of batch operations. A task is a wake-up and carries only a database's alias."""

from __future__ import annotations

import structlog
from celery import shared_task

from actions.wakeup_hints import take_hint
from operations.engine import worker

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def drain_operations(alias: str) -> None:
    """Run the due items of the operations in the database ``alias``."""
    take_hint(hint_name(alias))
    drained = worker.drain(alias)
    if drained.chunks:
        log.info("operations_drained", database=alias, completed=drained.completed, failed=drained.failed)


def hint_name(alias: str) -> str:
    """Return the name of the hint at due items in the database ``alias``."""
    return f"operations:{alias}"
