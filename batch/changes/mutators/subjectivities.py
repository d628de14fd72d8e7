"""Temporary."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Final
from uuid import UUID

from batch.changes.attached import AttachedRecord, RecordKind
from batch.changes.record_mutator import RecordCollection, RecordMutator


class SubjectivityRow(AttachedRecord, frozen=True, kw_only=True):
    """One."""

    quote_request_id: UUID
    code: str
    kind: str
    text: str
    owner: str
    due_on: date | None = None
    path: str = ""
    done_at: datetime | None = None
    done_by: str = ""
    closed_at: datetime | None = None


SUBJECTIVITIES: Final = RecordKind(
    name="subjectivities", struct=SubjectivityRow, model="forms.Subjectivity", shown=lambda row: row.text
)


class SubjectivityMutator(RecordMutator[SubjectivityRow]):
    """One."""

    kind: ClassVar = SUBJECTIVITIES

    def mark_done(self) -> None:
        """Done."""
        self._change(done_at=self._tracker.now, done_by=self._tracker.context.actor.label)


class Subjectivities(RecordCollection[SubjectivityRow, SubjectivityMutator]):
    """All."""

    mutator: ClassVar = SubjectivityMutator

    def add(self, **values: object) -> SubjectivityMutator:
        """Add."""
        return self._put(SubjectivityRow(id=self._tracker.new_id(), created_at=self._tracker.now, **values))
