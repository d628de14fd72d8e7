"""Celery tasks of the outbox. A task is a wake-up and carries only a database's alias."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.db import DatabaseError, connections

from actions import relay
from actions.maintenance import emit_hourly_actions
from actions.wakeup_hints import take_hint
from redis_locks.job_mutex import JobMutex

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def drain(alias: str) -> None:
    """Run the due actions of the database ``alias``."""
    take_hint(alias)
    drained = relay.drain(alias)
    if drained.attempts:
        log.info("drained", database=alias, done=drained.done, failed=drained.failed, dead=drained.dead)


@shared_task(ignore_result=True)
def run_maintenance() -> None:
    """Emit the hourly actions of all tenants, in every database; only one process does so."""
    with JobMutex("maintenance") as is_ours:
        for alias in connections if is_ours else ():
            try:
                log.info("hourly_actions_emitted", database=alias, amount=emit_hourly_actions(alias))
            except DatabaseError as error:
                log.warning("hourly_actions_not_emitted", database=alias, reason=type(error).__name__)
