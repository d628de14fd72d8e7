"""Hints to Celery that a database has due rows: at most one per name is in transit, however many saves there are.

A hint leaves a mark in Redis that expires by itself. A lost hint costs nothing: the poller finds due rows without one.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.conf import settings
from django_redis import get_redis_connection
from prometheus_client import Counter
from redis import Redis
from redis.exceptions import RedisError

from redis_locks.outage import outage

#: Seconds for which a hint that no worker takes holds back further ones.
SECONDS: Final = 10

log = structlog.get_logger(__name__)
unsent = Counter("partner_engine_action_hints_unsent", "Hints at due actions that could not be sent", ["reason"])


def send_hint(name: str, *, task: Any, alias: str) -> None:
    """Send the Celery ``task`` for the database ``alias`` unless a hint ``name`` is in transit.

    Never raises while Redis or the broker is away.
    """
    try:
        client: Redis = outage.client_or_raise(get_redis_connection("default"))
        if client.set(_key(name), b"1", nx=True, ex=SECONDS):
            task.apply_async(args=(alias,), retry=False, expires=SECONDS)
    except (RedisError, OSError, task.OperationalError) as error:
        unsent.labels(type(error).__name__).inc()
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("hint_not_sent", hint=name, reason=type(error).__name__)


def take_hint(name: str) -> None:
    """Clear the mark of a hint that has arrived: rows stored from now on need another hint."""
    try:
        get_redis_connection("default").delete(_key(name))
    except RedisError as error:
        log.warning("hint_not_taken", hint=name, reason=type(error).__name__)


def _key(name: str) -> str:
    return f"{settings.LOCK_PREFIX}:hint:{name}"
