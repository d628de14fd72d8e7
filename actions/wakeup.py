"""Hints at due actions and due webhook deliveries after they were stored, so that nobody has to look for them."""

from __future__ import annotations

from typing import Any, Final

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from actions import wakeup_hints
from actions.tasks import BROKER_ERRORS, deliver_webhooks, drain
from redis_locks.outage import outage

#: What Redis and Celery raise when they are away.
_AWAY: Final[tuple[type[Exception], ...]] = (RedisError, OSError, *BROKER_ERRORS)

log = structlog.get_logger(__name__)
unsent = Counter("partner_engine_action_hints_unsent", "Hints at due actions that could not be sent", ["reason"])


def wake(alias: str) -> None:
    """Hint that the database ``alias`` has due actions; call it after the commit that stored them.

    At most one hint waits per database. Never raises for a Redis that is away: the actions are found without a hint.
    """
    _hint(alias, drain, alias)


def wake_deliveries(alias: str) -> None:
    """Hint that the database ``alias`` has due webhook deliveries, as ``wake`` does."""
    _hint(f"{hints.WEBHOOKS}{alias}", deliver_webhooks, alias)


def _hint(name: str, task: Any, alias: str) -> None:
    try:
        if wakeup_hints.give(name):
            task.apply_async(args=(alias,), retry=False, expires=wakeup_hints.SECONDS)
    except _AWAY as error:
        unsent.labels(type(error).__name__).inc()
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("hint_not_sent", hint=name, reason=type(error).__name__)
