"""Hints at due deliveries, so that they need not wait to be looked for."""

from __future__ import annotations

from typing import Final

import structlog
from redis.exceptions import RedisError

from actions import hints
from actions.tasks import BROKER_ERRORS, deliver_webhooks
from tenants.redis_outage import outage

_AWAY: Final[tuple[type[Exception], ...]] = (RedisError, OSError, *BROKER_ERRORS)

log = structlog.get_logger(__name__)


def wake_deliveries(alias: str) -> None:
    """Hint that the database ``alias`` has due deliveries, after the commit that stored them.

    Never raises for a Redis that is away.
    """
    name = f"{hints.WEBHOOKS}{alias}"
    try:
        if hints.give(name):
            deliver_webhooks.apply_async(args=(alias,), retry=False, expires=hints.SECONDS)
    except _AWAY as error:
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("hint_not_sent", hint=name, reason=type(error).__name__)
