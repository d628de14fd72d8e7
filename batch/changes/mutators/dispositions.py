"""Dispositions: the end of an application, as a person decided it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind, WhileUnset
from batch.changes.free_texts import clean_line
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import WrongValue
from webhooks.event_types import CopyEvent, EventType

Code: TypeAlias = Literal["bound", "lost", "declined", "withdrawn", "duplicate", "test"]
MAX_REASON: Final = 500


class DispositionRow(AttachedRecord, frozen=True, kw_only=True):
    """One disposition of a form."""

    code: str
    given_by_type: str
    given_by_id: str = ""
    reason: str = ""
    withdrawn_at: datetime | None = None


class DispositionEvent(CopyEvent, frozen=True, kw_only=True):
    """The end of the application, or the withdrawal of a disposition."""

    id: str
    code: str
    reason: str


def _emit(before: DispositionRow | None, after: DispositionRow) -> Iterator[RecordEvent]:
    name = "given" if before is None else "taken_back"
    yield name, {"id": str(after.id), "code": after.code, "reason": after.reason}


DISPOSITIONS: Final = RecordKind(
    name="dispositions",
    struct=DispositionRow,
    model="forms.Disposition",
    shown=lambda row: None if row.withdrawn_at else row.code,
    events=EventType(
        family="disposition",
        names=("given", "taken_back"),
        data=DispositionEvent,
        when="a disposition was given, taken back",
    ),
    emit=_emit,
    in_force=WhileUnset("withdrawn_at"),
    of_form=True,
)


class DispositionMutator(RecordMutator[DispositionRow]):
    """One disposition."""

    kind: ClassVar = DISPOSITIONS

    def take_back(self) -> None:
        """Withdraw the disposition: the form is open again."""
        self._change(withdrawn_at=self.row.withdrawn_at or self._tracker.now)


class Dispositions(RecordCollection[DispositionRow, DispositionMutator]):
    """The dispositions of the form that were not withdrawn; the latest one counts."""

    mutator: ClassVar = DispositionMutator

    def give(self, code: Code, *, reason: str = "") -> DispositionMutator:
        """Add a disposition to the form. Raises ``WrongValue``, ``LooksSensitive``."""
        if code not in get_args(Code):
            raise WrongValue("code", f"a disposition is one of {', '.join(get_args(Code))}")
        cleaned = clean_line(reason, field="reason", most=MAX_REASON)
        by = self._tracker.by
        return self._put(
            DispositionRow(
                id=self._tracker.new_id(),
                created_at=self._tracker.now,
                code=code,
                reason=cleaned,
                given_by_type=by.type,
                given_by_id=by.id,
            )
        )
