"""Snapshots of the parts that can change, compared before and after. Pure, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from copies.document import (
    Answer,
    AnswerValue,
    Document,
    DocumentQuestionSet,
    Proposal,
    walk_answers,
    walk_containers,
)
from copies.paths import Path

#: The tag of a sealed answer, whatever its question says now.
SEALED: Final = "spi"


class AnswerSnapshot(msgspec.Struct, frozen=True):
    """The parts of an answer that count as a change. ``shown`` is the value, or the mask of a sealed one; ``tag`` is
    the sensitivity under which it was given.
    """

    shown: AnswerValue
    sealed: bytes | None
    active: bool
    required: str
    readonly: bool
    tag: str = ""
    confirmed: tuple[str, ...] = ()
    proposed: Proposal | None = None


def snapshot(answer: Answer | None) -> AnswerSnapshot | None:
    """Return the snapshot of ``answer``, None for a missing one."""
    if answer is None:
        return None
    shown = answer.mask if answer.sealed is not None else answer.value
    tag = answer.tag if answer.sealed is None else SEALED
    confirmed = tuple(confirmation.code for confirmation in answer.confirmed) if answer.confirmed else ()
    return AnswerSnapshot(
        shown, answer.sealed, answer.active, answer.required, answer.readonly, tag, confirmed, answer.proposed
    )


class Picture:
    """The snapshots of a whole document by path: answers, rows (their ids) and question sets (by code)."""

    def __init__(self, document: Document) -> None:
        """Take the snapshots of ``document``."""
        containers = dict(walk_containers(document))
        self.rows: dict[str, str | None] = {path: Path(path).code for path in containers if path}
        self.answers: dict[str, AnswerSnapshot | None] = {
            path: snapshot(answer) for path, answer in walk_answers(document)
        }
        self.question_sets: dict[str, DocumentQuestionSet | None] = {
            part.code: msgspec.structs.replace(part) for part in document.question_sets
        }


class CopyFields(msgspec.Struct, frozen=True):
    """The fields of a copy that people can change."""

    title: str = ""
    owner_id: UUID | None = None
    locked_at: datetime | None = None
    deleted_at: datetime | None = None
    locked_by_id: str = ""
    locked_by_label: str = ""
    lock_reason: str = ""


#: Fields that are no change of their own: the change of ``locked_at`` has the same author.
UNREPORTED: Final = frozenset({"locked_by_id", "locked_by_label"})


class FormFields(msgspec.Struct, frozen=True):
    """The fields of a form that people can change. Without ``base_copy_id`` the base is the default copy.

    ``external_id`` is its id in the partner's system, unique within the tenant where it is not empty.
    """

    reference: str = ""
    external_id: str = ""
    metadata: Mapping[str, str] = {}
    deleted_at: datetime | None = None
    base_copy_id: UUID | None = None
