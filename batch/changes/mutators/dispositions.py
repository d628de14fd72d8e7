"""Dispositions: how an application ended, as somebody decided. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator, Told
from batch.errors import WrongValue

Code: TypeAlias = Literal["bound", "lost", "declined", "withdrawn", "duplicate", "test"]
MAX_REASON: Final = 500


class DispositionRow(AttachedRecord, frozen=True, kw_only=True):
    """One disposition of a form."""

    code: str
    given_by_type: str
    given_by_id: str = ""
    reason: str = ""
    withdrawn_at: datetime | None = None


def _tell(before: DispositionRow | None, after: DispositionRow) -> Iterator[Told]:
    name = "disposition.given" if before is None else "disposition.taken_back"
    yield name, {"id": str(after.id), "code": after.code, "reason": after.reason}


DISPOSITIONS: Final = RecordKind(
    name="dispositions",
    struct=DispositionRow,
    shown=lambda row: None if row.withdrawn_at else row.code,
    tell=_tell,
    is_in_force=lambda row: row.withdrawn_at is None,
    of_form=True,
)


class DispositionMutator(RecordMutator[DispositionRow]):
    """One disposition."""

    kind: ClassVar = DISPOSITIONS

    def take_back(self) -> None:
        """Take the disposition back: the form is open again."""
        self._change(withdrawn_at=self.row.withdrawn_at or self._ledger.now)


class Dispositions(RecordCollection[DispositionRow, DispositionMutator]):
    """The dispositions of the form that were not taken back; the latest one counts."""

    mutator: ClassVar = DispositionMutator

    def give(self, code: Code, *, reason: str = "") -> DispositionMutator:
        """Say how the application ended. Raises ``WrongValue``."""
        if code not in get_args(Code):
            raise WrongValue("code", f"it must be one of {', '.join(get_args(Code))}")
        if len(reason) > MAX_REASON:
            raise WrongValue("reason", f"a reason can have at most {MAX_REASON} characters")
        by = self._ledger.by
        return self._put(
            DispositionRow(
                id=self._ledger.new_id(),
                created_at=self._ledger.now,
                code=code,
                reason=reason,
                given_by_type=by.type,
                given_by_id=by.id,
            )
        )
