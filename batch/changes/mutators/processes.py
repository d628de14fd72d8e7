"""Processes: long work on one copy that calls third parties between two locks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind, WhileNot
from batch.changes.record_mutator import RecordCollection, StateMutator
from batch.errors import WrongValue
from webhooks.event_types import CopyEvent, EventType

#: Which states may follow which. ``running`` again is the next step, or a new try after a crash.
FOLLOWING: Final[Mapping[str, frozenset[str]]] = {
    "running": frozenset({"running", "waiting", "completed", "failed"}),
    "waiting": frozenset({"running", "completed", "failed"}),
    "completed": frozenset(),
    "failed": frozenset({"running"}),
}


class ProcessRow(AttachedRecord, frozen=True, kw_only=True):
    """One process. It is resumed from ``step`` and ``details``, which contain nothing sensitive.

    ``held_until`` is written by its hold (``batch.locks.holds``), not by saves.
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


class ProcessEvent(CopyEvent, frozen=True, kw_only=True):
    """One process in its new state."""

    id: str
    kind: str
    step: str


def _emit(before: ProcessRow | None, after: ProcessRow) -> Iterator[RecordEvent]:
    if before is None or before.state != after.state:
        yield after.state, {"id": str(after.id), "kind": after.kind, "step": after.step}


PROCESSES: Final = RecordKind(
    name="processes",
    struct=ProcessRow,
    model="forms.Process",
    shown=lambda row: row.state,
    events=EventType(family="process", names=tuple(FOLLOWING), data=ProcessEvent, when="a process entered this state"),
    emit=_emit,
    in_force=WhileNot("state", "completed"),
    unsaved_columns=frozenset({"held_until"}),
)


class ProcessMutator(StateMutator[ProcessRow]):
    """One process. Every method raises ``WrongState`` where the present state does not allow it."""

    kind: ClassVar = PROCESSES
    following: ClassVar = FOLLOWING

    def go_on(self, step: str, *, details: Mapping[str, Any] | None = None) -> None:
        """Enter ``step``, with the ``details`` to resume it from; also after waiting or a failure."""
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
        """Wait to be resumed at ``step``, for a person's decision for instance."""
        self._go("waiting", step=step)

    def complete(self) -> None:
        """End the process with success."""
        self._go("completed", ended_at=self._tracker.now)

    def fail(self, error: str) -> None:
        """End the process because of ``error`` (for staff; nothing sensitive)."""
        self._go("failed", error=error[:500], ended_at=self._tracker.now)


class Processes(RecordCollection[ProcessRow, ProcessMutator]):
    """The processes of a copy that are not completed."""

    mutator: ClassVar = ProcessMutator

    def start(self, kind: str, *, step: str = "", details: Mapping[str, Any] | None = None) -> ProcessMutator:
        """Start a process of ``kind``, such as ``quoting``; it is running from the save on. Raises ``WrongValue``."""
        if not 0 < len(kind) <= 60:
            raise WrongValue("kind", "the kind of a process has 1 to 60 characters")
        now = self._tracker.now
        return self._put(
            ProcessRow(
                id=self._tracker.new_id(),
                created_at=now,
                updated_at=now,
                kind=kind,
                state="running",
                step=step,
                details=dict(details or {}),
            )
        )
