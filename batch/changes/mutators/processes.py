"""Processes: long work on one copy that calls third parties between two locks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator, Told
from batch.errors import WrongState, WrongValue

#: Which states may follow which. ``running`` again is the next step, or a new try after a crash.
FOLLOWING: Final[Mapping[str, frozenset[str]]] = {
    "running": frozenset({"running", "waiting", "completed", "failed"}),
    "waiting": frozenset({"running", "completed", "failed"}),
    "completed": frozenset(),
    "failed": frozenset({"running"}),
}


class ProcessRow(AttachedRecord, frozen=True, kw_only=True):
    """One process. ``step`` and ``details`` are what it goes on from when it is resumed; nothing sensitive.

    ``held_until`` is kept by its hold (``batch.locks.holds``), not by saves.
    """

    kind: str
    state: str
    updated_at: datetime
    step: str = ""
    details: dict[str, Any] = {}
    error: str = ""
    attempts: int = 1
    held_until: datetime | None = None
    ended_at: datetime | None = None


def _tell(before: ProcessRow | None, after: ProcessRow) -> Iterator[Told]:
    if before is None or before.state != after.state:
        yield f"process.{after.state}", {"id": str(after.id), "kind": after.kind, "step": after.step}


PROCESSES: Final = RecordKind(
    name="processes",
    struct=ProcessRow,
    shown=lambda row: row.state,
    tell=_tell,
    is_in_force=lambda row: row.state != "completed",
)


class ProcessMutator(RecordMutator[ProcessRow]):
    """One process. Every method raises ``WrongState`` where it may not follow on the present state."""

    kind: ClassVar = PROCESSES

    def go_on(self, step: str, *, details: Mapping[str, Any] | None = None) -> None:
        """Enter ``step``, with what it needs if it has to be resumed there; also after waiting or a failure."""
        row = self.row
        is_retry = row.state == "failed"
        self._go(
            "running",
            step=step,
            details=dict(row.details if details is None else details),
            attempts=row.attempts + is_retry,
            error="",
            ended_at=None,
        )

    def wait(self, step: str) -> None:
        """Wait to be resumed at ``step``, for somebody's answer for instance."""
        self._go("waiting", step=step)

    def complete(self) -> None:
        """End well."""
        self._go("completed", ended_at=self._ledger.now)

    def fail(self, error: str) -> None:
        """End because of ``error`` (for staff to read; nothing sensitive)."""
        self._go("failed", error=error[:500], ended_at=self._ledger.now)

    def _go(self, state: str, **values: object) -> None:
        self._ledger.require_writable()
        if state not in FOLLOWING[self.row.state]:
            raise WrongState(self.path, now=self.row.state, wanted=state, possible=FOLLOWING[self.row.state])
        self._change(state=state, updated_at=self._ledger.now, **values)


class Processes(RecordCollection[ProcessRow, ProcessMutator]):
    """The processes of a copy that have not ended well."""

    mutator: ClassVar = ProcessMutator

    def start(self, kind: str, *, step: str = "", details: Mapping[str, Any] | None = None) -> ProcessMutator:
        """Start a process of ``kind``, such as ``quoting``; it is running from the save on. Raises ``WrongValue``."""
        if not 0 < len(kind) <= 60:
            raise WrongValue("kind", "the kind of a process must have 1 to 60 characters")
        now = self._ledger.now
        return self._put(
            ProcessRow(
                id=self._ledger.new_id(),
                created_at=now,
                updated_at=now,
                kind=kind,
                state="running",
                step=step,
                details=dict(details or {}),
            )
        )
