"""Reveals one sensitive answer to a user who has the right and states a reason.

The record is written before the value is returned.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from batch import service
from batch.changes.free_texts import clean_line
from batch.errors import NoReason, NothingToReveal
from copies.document import AnswerValue, find_answer
from copies.models import SensitiveReveal
from presentation.visibility import NOBODY, SECRET, Visibility
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

MAX_REASON: Final = 500


def reveal(form_or_copy_id: UUID | str, path: str, *, scope: Tenant, actor: Actor, reason: str) -> AnswerValue:
    """Return the plain value of the sensitive answer at ``path``; record reader and reason.

    Raises ``MissingRight``, ``NoReason``, ``WrongValue`` or ``LooksSensitive`` for the reason, ``NotFound``,
    ``NothingToReveal``, and what the key service raises; then nothing was revealed.
    """
    actor.require(Right.READ_FORMS)
    actor.require(Right.REVEAL_SENSITIVE)
    if len(reason) > MAX_REASON or not (reason := clean_line(reason, field="reason", most=MAX_REASON)):
        raise NoReason
    context = service.find(form_or_copy_id, scope=scope, actor=actor, archived=True)
    changeset = context.read_only_changeset()
    answer = find_answer(changeset.document, path)
    # Also a plain value whose question became secret and that no save has sealed yet.
    if answer is None or not answer.is_answered or Visibility(changeset.catalogue, NOBODY).of(path, answer) < SECRET:
        raise NothingToReveal
    value = changeset.sealing.reveal(path, answer)
    with use_tenant(scope):
        SensitiveReveal.objects.create(
            tenant_id=scope.id,
            copy_id=context.copy.id,
            version=context.version,
            path=path,
            reason=reason,
            actor_type=actor.type,
            actor_id=actor.id,
            actor_label=actor.label,
            source=actor.source,
            correlation_id=context.save_context.correlation_id,
            created_at=context.save_context.now,
        )
    return value
