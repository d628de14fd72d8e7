"""Celery's shells around the relay. A task is a wake-up and carries no more than a database's alias."""

from __future__ import annotations

from typing import Final

import structlog
from celery import shared_task
from django.db import DatabaseError, connections
from redis.exceptions import RedisError

from actions import hints, relay
from actions.upkeep import keep_up
from actions.webhooks.delivering import deliver_due
from tenants.job_mutex import JobMutex

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def drain(alias: str) -> None:
    """Run the due actions of the database ``alias``."""
    try:
        hints.take(alias)
    except RedisError as error:
        log.warning("hint_not_taken", database=alias, reason=type(error).__name__)
    drained = relay.drain(alias)
    if drained.attempts:
        log.info("drained", database=alias, done=drained.done, failed=drained.failed, dead=drained.dead)


#: What sending a task raises when the broker is away.
BROKER_ERRORS: Final[tuple[type[Exception], ...]] = (drain.OperationalError,)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Run the due actions of every database: those whose hint was lost, and those whose time has come."""
    for alias in connections:
        try:
            relay.drain(alias, seconds=20.0)
        except DatabaseError as error:
            # The others go on; what this one holds is found by the next sweep.
            log.warning("database_not_swept", database=alias, reason=type(error).__name__)


@shared_task(ignore_result=True)
def prune() -> None:
    """Delete what has served its time, in every database; only one may run."""
    with JobMutex("prune") as is_ours:
        if is_ours:
            for alias in connections:
                keep_up(alias)


@shared_task(ignore_result=True)
def deliver_webhooks() -> None:
    """Post the webhooks that are due, in every database."""
    try:
        hints.take(hints.WEBHOOKS)
    except RedisError as error:
        log.warning("hint_not_taken", database=hints.WEBHOOKS, reason=type(error).__name__)
    deliver_due(seconds=60.0)
