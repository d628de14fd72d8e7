"""Celery's shells around the relay. A task is a wake-up and carries no more than a database's alias."""

from __future__ import annotations

from typing import Final

import structlog
from celery import shared_task
from django.db import DatabaseError, connections
from redis.exceptions import RedisError

from actions import relay, wakeup_hints
from actions.maintenance import ask_for_chores
from redis_locks.job_mutex import JobMutex
from webhooks.delivery import deliver_due

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def drain(alias: str) -> None:
    """Run the due actions of the database ``alias``."""
    _take_hint(alias)
    drained = relay.drain(alias)
    if drained.attempts:
        log.info("drained", database=alias, done=drained.done, failed=drained.failed, dead=drained.dead)


#: What sending a task raises when the broker is away.
BROKER_ERRORS: Final[tuple[type[Exception], ...]] = (drain.OperationalError,)


@shared_task(ignore_result=True)
def upkeep() -> None:
    """Ask for the chores of all tenants, in every database; only one may ask."""
    with JobMutex("upkeep") as is_ours:
        for alias in connections if is_ours else ():
            try:
                log.info("chores_asked_for", database=alias, amount=ask_for_chores(alias))
            except DatabaseError as error:
                log.warning("no_chores_asked_for", database=alias, reason=type(error).__name__)


@shared_task(ignore_result=True)
def deliver_webhooks(alias: str) -> None:
    """Post the webhooks that are due in the database ``alias``."""
    _take_hint(f"{hints.WEBHOOKS}{alias}")
    deliver_due(alias, seconds=60.0)


def _take_hint(name: str) -> None:
    try:
        wakeup_hints.take(name)
    except RedisError as error:
        log.warning("hint_not_taken", hint=name, reason=type(error).__name__)
