"""Audit log of reads of personal answers: actor, copy and number, never a value."""

from __future__ import annotations

from uuid import UUID

import structlog

from tenants.access import Actor

logger = structlog.get_logger("partner_engine.audit")


def note_personal_read(*, actor: Actor, copy_id: UUID, count: int) -> None:
    """Log that ``count`` personal answers of a copy were shown to ``actor``; nothing for 0."""
    if count:
        logger.info(
            "audit.personal_answers_read",
            actor_type=actor.type,
            actor_id=actor.id,
            source=actor.source,
            copy_id=str(copy_id),
            count=count,
        )
