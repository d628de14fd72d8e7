"""What one unit of work has touched, with the document underneath: the core that all mutators write to. Pure.

Mutators know the ledger; the ledger knows no mutator. ``Changeset`` is the face of both for callers.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Final, Protocol

import msgspec
from uuid_utils.compat import uuid7

from batch.changes.accumulators import SimpleAccumulator, SnapshotAccumulator
from batch.changes.attached import AttachedRecord, RecordAccumulator, RecordKind
from batch.changes.snapshots import AnswerSnapshot, CopyFields, FormFields, snapshot
from batch.errors import UnknownRow
from batch.misuse import ReadOnlyChangeset, StaleReference, WrongThread
from copies.changes import Cause, Change
from copies.document import (
    Answer,
    AnsweredBy,
    AnswerValue,
    Container,
    Document,
    DocumentQuestionSet,
    find_container,
)
from copies.paths import Path, is_below, is_in_document, join_path, question_set_path, split_path
from rules.definition.compiler import CompiledCatalogue


class Sealing(Protocol):
    """Seals and reveals sensitive answers of one copy."""

    def seal(self, path: str, value: AnswerValue) -> bytes:
        """Return the ciphertext of ``value`` for ``path``."""

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        """Return the plain value of ``answer``."""


class Mode(Enum):
    """What may be done with a changeset."""

    WRITABLE = "writable"
    READ_ONLY = "read only"
    STALE = "stale"


class Origin(msgspec.Struct, frozen=True):
    """Who makes the changes and when, as answers, rows and history keep it."""

    by: AnsweredBy
    now: datetime
    label: str = ""

    @property
    def cause(self) -> Cause:
        """Return the origin as the cause of a change."""
        return Cause(self.by.type, self.by.id)


class Holding(msgspec.Struct, frozen=True):
    """What a changeset starts from: the document (its own, changed in place) and what stands beside it."""

    document: Document
    copy_fields: CopyFields = CopyFields()
    form_fields: FormFields = FormFields()
    neighbours: Mapping[str, Sequence[AttachedRecord]] = {}
    version: int = 0


class ChangeTracker:
    """The document, what stands beside it, and the first snapshot of everything that was touched."""

    def __init__(
        self,
        holding: Holding,
        *,
        kinds: Sequence[RecordKind[Any]],
        catalogue: CompiledCatalogue,
        sealing: Sealing,
        origin: Origin,
        mode: Mode = Mode.WRITABLE,
    ) -> None:
        """Start with nothing touched; ``kinds`` are those of the neighbours."""
        self.document = holding.document
        self.copy_fields = holding.copy_fields
        self.form_fields = holding.form_fields
        self.version = holding.version
        self.neighbours: dict[str, RecordAccumulator[Any]] = {
            kind.name: RecordAccumulator(kind, holding.neighbours.get(kind.name, ())) for kind in kinds
        }
        self.catalogue = catalogue
        self.sealing = sealing
        self.origin = origin
        self.mode = mode
        #: Where in the request each given answer came from: path -> JSON pointer.
        self.pointers: dict[str, str] = {}
        self._first = holding
        self._answers: SnapshotAccumulator[AnswerSnapshot] = SnapshotAccumulator()
        self._rows: SnapshotAccumulator[str] = SnapshotAccumulator()
        self._question_sets: SnapshotAccumulator[DocumentQuestionSet] = SnapshotAccumulator()
        self._exclusions: SnapshotAccumulator[str] = SnapshotAccumulator()
        self._given: SimpleAccumulator[str] = SimpleAccumulator()
        self._causes: dict[str, Cause] = {}
        self._ruling: Cause | None = None
        self._removed_rows: set[str] = set()
        self._thread = threading.get_ident()

    # What mutators use

    @property
    def by(self) -> AnsweredBy:
        """Return who answers."""
        return self.origin.by

    @property
    def now(self) -> datetime:
        """Return the moment of this unit of work; all its times are this one."""
        return self.origin.now

    @property
    def adder(self) -> AnsweredBy:
        """Return who adds a question set: the rule that asks for it, else the actor."""
        return AnsweredBy(self._ruling.type, self._ruling.id) if self._ruling else self.by

    def require_open(self) -> None:
        """Raise ``StaleReference`` after the save."""
        if self.mode is Mode.STALE:
            raise StaleReference

    def require_writable(self) -> None:
        """Raise ``StaleReference`` after the save, ``ReadOnlyChangeset`` for what is only read, ``WrongThread``."""
        if threading.get_ident() != self._thread:
            raise WrongThread
        if self.mode is not Mode.WRITABLE:
            raise StaleReference if self.mode is Mode.STALE else ReadOnlyChangeset

    def require_there(self, path: str) -> None:
        """Raise ``UnknownRow`` where ``path`` lies in a row that this unit of work has removed."""
        for removed in self._removed_rows:
            if path == removed or is_below(path, removed):
                raise UnknownRow(removed)

    def new_row_id(self) -> str:
        """Return a new id for a row of a pool."""
        return str(uuid.uuid4())

    def new_id(self) -> uuid.UUID:
        """Return a new id for a neighbour: sortable by time."""
        return uuid7()

    def touch_answer(self, path: str, answer: Answer | None) -> None:
        """Note that the answer at ``path`` is about to change. Raises ``UnknownRow`` in a row that was removed."""
        self.require_there(path)
        self._answers.add(path, lambda: snapshot(answer))
        self._note(path)

    def touch_row(self, path: str, *, exists: bool) -> None:
        """Note that the row at ``path`` is about to be added or (``exists``) removed.

        Raises ``UnknownRow`` for one that was removed before, or lies in one that was.
        """
        self.require_there(path)
        self._rows.add(path, lambda: Path(path).code if exists else None)
        self._note(path)
        if exists:
            self._removed_rows.add(path)

    def touch_question_set(self, code: str) -> None:
        """Note that the question set ``code`` is about to change on the document."""
        found = self.question_set(code)
        self._question_sets.add(code, lambda: None if found is None else msgspec.structs.replace(found))
        self._note(question_set_path(code))

    def touch_exclusion(self, path: str) -> None:
        """Note that an exclusion (``forced_excluded_products/<code>``) is about to change."""
        self._exclusions.add(path, lambda: self._exclusion_at(path))
        self._note(path)

    def put_neighbour(self, kind: RecordKind[Any], row: AttachedRecord) -> None:
        """Let ``row`` stand among the neighbours of its kind."""
        self.neighbours[kind.name].add(row)
        self._note(kind.path(row.id))

    def question_set(self, code: str) -> DocumentQuestionSet | None:
        """Return the question set ``code`` on the document, None where it is not."""
        return next((found for found in self.document.question_sets if found.code == code), None)

    # What the context uses

    @property
    def given_paths(self) -> list[str]:
        """Return the paths that were touched by the caller, not by rules."""
        return self._given.finalize()

    @property
    def touched_paths(self) -> list[str]:
        """Return the document's paths that were touched by the caller or by rules; all else stands as it was loaded."""
        return [path for path in self._causes if is_in_document(path)]

    def rule_by(self, cause: Cause | None) -> None:
        """Put ``cause`` on the changes that follow; None goes back to the caller as the cause."""
        self._ruling = cause

    def changes(self) -> list[Change]:
        """Return what stands otherwise than when the work began."""
        return self.document_changes() + self.beside_changes()

    def document_changes(self) -> list[Change]:
        """Return what stands otherwise in the document."""
        found: list[Change] = []
        for path, row_before, row_after in self._rows.finalize(self._row_at):
            found.append(Change(path, row_before, row_after, self._causes[path]))
        # Many answers lie in one row, and a row is found by going through its pool: each once.
        container_at = cache(partial(find_container, self.document))
        for path, before, after in self._answers.finalize(lambda path: _answer_at(path, container_at)):
            if after is not None or container_at(split_path(path)[0]) is not None:
                found.append(_answer_change(path, before, after, self._causes[path]))
        for code, set_before, set_after in self._question_sets.finalize(self.question_set):
            path = question_set_path(code)
            found.append(Change(path, _set_state(set_before), _set_state(set_after), self._causes[path]))
        for path, excluded_before, excluded_after in self._exclusions.finalize(self._exclusion_at):
            found.append(Change(path, excluded_before, excluded_after, self._causes[path]))
        return found

    def beside_changes(self) -> list[Change]:
        """Return what stands otherwise beside the document: fields of copy and form, neighbours."""
        found = self._field_changes("copy", self._first.copy_fields, self.copy_fields)
        found += self._field_changes("application_form", self._first.form_fields, self.form_fields)
        return found + self._neighbour_changes()

    @property
    def touches_form(self) -> bool:
        """Tell whether something changed that belongs to all copies of the form, or a copy goes."""
        return (
            self.form_fields != self._first.form_fields
            or (self.copy_fields.deleted_at is not None and self._first.copy_fields.deleted_at is None)
            or any(
                before is not None or accumulator.kind.depends_on_others
                for accumulator in self.neighbours.values()
                if accumulator.kind.of_form
                for before, _ in accumulator.finalize()
            )
        )

    def close(self) -> None:
        """Make the changeset and its mutators stale."""
        self.mode = Mode.STALE

    def _note(self, path: str) -> None:
        if self._ruling is None:
            self._given.add(path)
        self._causes.setdefault(path, self._ruling or self.origin.cause)

    def _row_at(self, path: str) -> str | None:
        return None if find_container(self.document, path) is None else Path(path).code

    def _exclusion_at(self, path: str) -> str | None:
        name, product = split_path(path)
        return product if product in getattr(self.document, name) else None

    def _field_changes(self, prefix: str, first: msgspec.Struct, now: msgspec.Struct) -> list[Change]:
        if first == now:
            return []
        before, after = msgspec.to_builtins(first), msgspec.to_builtins(now)
        return [
            Change(join_path(prefix, name), before[name], after[name], self.origin.cause)
            for name in before
            if before[name] != after[name]
        ]

    def _neighbour_changes(self) -> list[Change]:
        found = []
        for accumulator in self.neighbours.values():
            shown = accumulator.kind.shown
            for before, after in accumulator.finalize():
                path = accumulator.kind.path(after.id)
                found.append(Change(path, before and shown(before), shown(after), self._causes[path]))
        return found


def _answer_at(path: str, container_at: Callable[[str], Container | None]) -> AnswerSnapshot | None:
    prefix, code = split_path(path)
    container = container_at(prefix)
    return None if container is None else snapshot(container.answers.get(code))


#: How an answer that is not there is compared: neither shown nor asked for.
_NOTHING: Final = AnswerSnapshot(None, None, active=False, required="", readonly=False)


def _answer_change(path: str, before: AnswerSnapshot | None, after: AnswerSnapshot | None, cause: Cause) -> Change:
    was, now = before or _NOTHING, after or _NOTHING
    return Change(
        path,
        was.shown,
        now.shown,
        cause,
        active=now.active if (before is None) != (after is None) or was.active != now.active else None,
        required=now.required if (before is None) != (after is None) or was.required != now.required else None,
    )


def _set_state(question_set: DocumentQuestionSet | None) -> str | None:
    if question_set is None:
        return None
    return "completed" if question_set.completed_at else "open"
