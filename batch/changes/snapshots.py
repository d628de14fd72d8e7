"""Snapshots of what can change: compared before and after, they tell what did. Pure, frozen."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from copies.document import Answer, AnswerValue


class AnswerSnapshot(msgspec.Struct, frozen=True):
    """What of an answer counts as a change. ``shown`` is the value, or the mask of a sealed one."""

    shown: AnswerValue
    sealed: bytes | None
    active: bool
    required: str
    readonly: bool


def snapshot(answer: Answer | None) -> AnswerSnapshot | None:
    """Return how ``answer`` stands, None where there is none."""
    if answer is None:
        return None
    shown = answer.mask if answer.sealed is not None else answer.value
    return AnswerSnapshot(shown, answer.sealed, answer.active, answer.required, answer.readonly)


class CopyFields(msgspec.Struct, frozen=True):
    """What of a copy's row people can change."""

    title: str = ""
    owner_id: UUID | None = None
    locked_at: datetime | None = None
    deleted_at: datetime | None = None


class FormFields(msgspec.Struct, frozen=True):
    """What of an application form's row people can change."""

    reference: str = ""
    deleted_at: datetime | None = None
