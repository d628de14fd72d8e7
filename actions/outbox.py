"""Turns deferred actions into outbox rows. The caller inserts them in the transaction of its save."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

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
) -> list[OutboxAction]:
    """Return one unsaved row per kind and target, due at once."""
    return [
        OutboxAction(
            id=uuid7(),
            tenant_id=tenant_id,
            kind=action.kind,
            target=action.target,
            payload=action.payload(),
            payload_version=action.payload_version,
            copy_id=copy_id,
            version=version,
            correlation_id=correlation_id,
            next_attempt_at=now,
            created_at=now,
        )
        for action in coalesce(list(actions))
    ]
