"""Turns deferred actions into outbox rows. The save writes them in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from actions.kinds import DeferredAction, coalesce


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
            "attempts": 0,
            "next_attempt_at": now,
            "created_at": now,
        }
        for action in coalesce(list(actions))
    ]
