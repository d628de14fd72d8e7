"""Turns deferred actions into outbox rows: for a save, which writes them in its own transaction, or without a save."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from actions.kinds import DeferredAction, coalesce
from actions.models import OutboxAction


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
    """Store an action that comes from no save, due at once, unless one of its kind and target is waiting already.

    Return whether it was stored. Two processes at the same time may both store it; handlers are idempotent.
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
