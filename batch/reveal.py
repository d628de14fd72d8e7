"""Reveals one sensitive answer to a user who has the right and states a purpose and a reason.

The record in the ledger is written before the value is returned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from batch import service
from batch.changes.changeset import Changeset
from batch.changes.free_texts import clean_line
from batch.context import BatchContext
from batch.errors import NoReason, NothingToReveal, UnknownPurpose
from copies.document import Answer, AnswerValue, find_answer
from copies.models import RevealPurpose, SensitiveReveal
from presentation.visibility import NOBODY, SECRET, Visibility
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: In characters. A shorter reason explains nothing to a reader of the ledger.
MIN_REASON: Final = 10
MAX_REASON: Final = 500
#: The fewest different letters of a reason.
FEWEST_LETTERS: Final = 4
#: The fewest words of a reason: one word is no sentence.
FEWEST_WORDS: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class RevealReason:
    """Why an answer is revealed: a ``purpose`` of ``RevealPurpose``, and a ``text`` of 10 to 500 characters."""

    purpose: str
    text: str

    @classmethod
    def checked(cls, *, purpose: str, text: str) -> RevealReason:
        """Return the reason with a clean text.

        Raises ``UnknownPurpose``, ``NoReason``, and ``WrongValue`` or ``LooksSensitive`` for the text.
        """
        if purpose not in RevealPurpose.values:
            raise UnknownPurpose(f"Choose a purpose: {', '.join(RevealPurpose.values)}.")
        return cls(purpose=purpose, text=clean_reason(text))


def clean_reason(text: str) -> str:
    """Return the reason ``text`` as one clean line.

    Raises ``NoReason`` if it is too short or long, and ``WrongValue`` or ``LooksSensitive``.
    """
    if len(text) > MAX_REASON:
        raise NoReason
    text = clean_line(text, field="reason", most=MAX_REASON)
    # Ten times the same character is no reason either.
    words = text.split()
    if len(text) < MIN_REASON or len(set(text.lower()) - {" "}) < FEWEST_LETTERS or len(words) < FEWEST_WORDS:
        raise NoReason
    return text


def reveal(form_or_copy_id: UUID | str, path: str, *, scope: Tenant, actor: Actor, reason: RevealReason) -> AnswerValue:
    """Return the plain value of the sensitive answer at ``path``; record reader, purpose and reason.

    Raises ``MissingRight``, ``NotFound``, ``NothingToReveal``, and what the key service raises; then nothing was
    revealed.
    """
    actor.require(Right.READ_FORMS)
    actor.require(Right.REVEAL_SENSITIVE)
    context = service.find(form_or_copy_id, scope=scope, actor=actor, archived=True)
    changeset = context.read_only_changeset()
    answer = find_answer(changeset.document, path)
    # Also a plain value whose question became secret and that no save has sealed yet.
    if answer is None or not answer.is_answered or Visibility(changeset.catalogue, NOBODY).of(path, answer) < SECRET:
        raise NothingToReveal
    return recorded_reveal(context, changeset, reason=reason)(path, answer)


def recorded_reveal(
    context: BatchContext, changeset: Changeset, *, reason: RevealReason
) -> Callable[[str, Answer], AnswerValue]:
    """Return a function that reveals sealed answers of the loaded copy, for ``reason``: each is recorded before it is
    returned. The caller has checked the right.
    """
    actor = context.save_context.actor

    def reveal_and_record(path: str, answer: Answer) -> AnswerValue:
        value = changeset.sealing.reveal(path, answer)
        with use_tenant(context.scope):
            SensitiveReveal.objects.create(
                tenant_id=context.scope.id,
                copy_id=context.copy.id,
                version=context.version,
                path=path,
                purpose=reason.purpose,
                reason=reason.text,
                actor_type=actor.type,
                actor_id=actor.id,
                actor_label=actor.label,
                source=actor.source,
                correlation_id=context.save_context.correlation_id,
                created_at=context.save_context.now,
            )
        return value

    return reveal_and_record
