"""Hints to Celery that a database has due rows: at most one per name is in transit, however many saves there are.

A hint leaves a mark in Redis that expires by itself. A lost hint costs nothing: the poller finds due rows without one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any, Final

import structlog
from django.conf import settings
from django_redis import get_redis_connection
from prometheus_client import Counter
from redis import Redis
from redis.exceptions import RedisError

from redis_locks.outage import outage
from redis_locks.shared_trip import Command, Errand, send

#: Seconds for which a hint that no worker takes holds back further ones.
SECONDS: Final = 10

#: Seconds in which a response leaves: threads of a process take turns.
AFTER_RESPONSE: Final = 0.02
#: Set where messages are sent apart from what they hint at.
_apart: Final = threading.Event()

log = structlog.get_logger(__name__)
unsent = Counter("partner_engine_action_hints_unsent", "Hints at due actions that could not be sent", ["reason"])


def send_hint(name: str, *, task: Any, alias: str, rest: float = AFTER_RESPONSE) -> None:
    """Send the Celery ``task`` for the database ``alias`` unless a hint ``name`` is in transit; after a save with the
    round trip that frees its lock. A server sends it ``rest`` seconds later (``send_apart``).

    Never raises while Redis or the broker is away.
    """

    def go_on(replies: Sequence[Any]) -> None:
        if not replies[0]:
            return
        if not _apart.is_set():
            post()
            return
        # With the correlation id of the save.
        later = threading.Timer(rest, copy_context().run, [post])
        later.daemon = True
        later.start()

    def post() -> None:
        try:
            task.apply_async(args=(alias,), retry=False, expires=SECONDS)
        except (RedisError, OSError, task.OperationalError) as error:
            fail(error)

    def fail(error: Exception) -> None:
        unsent.labels(type(error).__name__).inc()
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("hint_not_sent", hint=name, reason=type(error).__name__)

    mark: Command = ("SET", _key(name), b"1", "NX", "EX", SECONDS)
    send(_client, Errand([mark], then=go_on, failed=fail))


def send_apart() -> None:
    """Send messages to Celery from threads of their own, a moment later, from now on: a message takes a tenth of the
    processor time of a usual save, for which no response has to wait. A process that is killed loses the last ones.
    """
    _apart.set()


def take_hint(name: str) -> None:
    """Clear the mark of a hint that has arrived: rows stored from now on need another hint."""
    try:
        get_redis_connection("default").delete(_key(name))
    except RedisError as error:
        log.warning("hint_not_taken", hint=name, reason=type(error).__name__)


def _client() -> Redis:
    return outage.client_or_raise(get_redis_connection("default"))


def _key(name: str) -> str:
    return f"{settings.LOCK_PREFIX}:hint:{name}"
