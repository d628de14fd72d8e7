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


def wake_deliveries() -> None:
    """Hint that deliveries are due, after the commit that stored them. Never raises for a Redis that is away."""
    try:
        if hints.give(hints.WEBHOOKS):
            deliver_webhooks.apply_async(retry=False, expires=hints.SECONDS)
    except _AWAY as error:
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("hint_not_sent", database=hints.WEBHOOKS, reason=type(error).__name__)
