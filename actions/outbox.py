"""Turns deferred actions into outbox rows, which the save writes in its own transaction, and hints at them after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db.models.functions import Now
from prometheus_client import Counter
from redis.exceptions import RedisError
from uuid_utils.compat import uuid7

from actions import hints
from actions.kinds import DeferredAction, coalesce
from actions.models import OutboxAction
from actions.tasks import BROKER_ERRORS, drain
from tenants.redis_outage import outage

#: What Redis and Celery raise when they are away.
_AWAY: Final[tuple[type[Exception], ...]] = (RedisError, OSError, *BROKER_ERRORS)

log = structlog.get_logger(__name__)
unsent = Counter("partner_engine_action_hints_unsent", "Hints at due actions that could not be sent", ["reason"])


def outbox_rows(
    actions: Sequence[DeferredAction],
    *,
    tenant_id: UUID,
    copy_id: UUID,
    version: int,
    correlation_id: str,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return one row per kind and target, as columns of ``OutboxAction``, due at once."""
    return [
        {
            "id": uuid7(),
            "tenant_id": tenant_id,
            "kind": action.kind,
            "target": action.target,
            "payload": action.payload(),
            "payload_version": action.payload_version,
            "copy_id": copy_id,
            "version": version,
            "correlation_id": correlation_id,
            "state": "waiting",
            "attempts": 0,
            "crashes": 0,
            "next_attempt_at": now,
            "last_error": "",
            "created_at": now,
        }
        for action in coalesce(list(actions))
    ]


def enqueue(action: DeferredAction, *, alias: str, tenant_id: UUID, copy_id: UUID | None) -> bool:
    """Store an action that comes from no save, due at once, unless one of its kind and target is there already.

    Returns whether it was stored. For work that finds by itself what is to be done; two that look at the same time may
    both store it, and handlers bear that.
    """
    there = OutboxAction.objects.using(alias).filter(tenant_id=tenant_id, kind=action.kind, target=action.target)
    if there.exists():
        return False
    OutboxAction.objects.using(alias).create(
        id=uuid7(),
        tenant_id=tenant_id,
        kind=action.kind,
        target=action.target,
        payload=action.payload(),
        payload_version=action.payload_version,
        copy_id=copy_id,
        correlation_id=str(uuid7()),
        next_attempt_at=Now(),
        created_at=Now(),
    )
    return True


def wake(alias: str) -> None:
    """Hint that the database ``alias`` has due actions; call it after the commit that stored them.

    At most one hint waits per database. Never raises for a Redis that is away: the actions are found without a hint.
    """
    try:
        if not hints.give(alias):
            return
        drain.apply_async(args=(alias,), retry=False, expires=hints.SECONDS)
    except _AWAY as error:
        unsent.labels(type(error).__name__).inc()
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("hint_not_sent", database=alias, reason=type(error).__name__)
