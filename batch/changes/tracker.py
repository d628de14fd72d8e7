"""The changes of one unit of work: the document, the first snapshot of each touched part, and the causes. Pure.

Mutators write to the tracker; the tracker knows no mutator. Callers use both through ``Changeset``.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache, cached_property, partial
from typing import Any, Final, NamedTuple, Protocol, cast

import msgspec
from uuid_utils.compat import uuid7

from batch.changes.accumulators import SimpleAccumulator, SnapshotAccumulator
from batch.changes.attached import AttachedRecord, RecordAccumulator, RecordEvent, RecordKind
from batch.changes.guest_scope import CLOSED, WHOLE, GuestScope
from batch.changes.records import Loaded, SaveContext
from batch.changes.shared_work import SharedWork
from batch.changes.snapshots import UNREPORTED, AnswerSnapshot, Picture, snapshot
from batch.errors import OutsideGuestLink, UnknownRow
from batch.misuse import ReadOnlyChangeset, StaleReference, WrongThread
from copies.changes import RELEASE, Cause, Change, strictest
from copies.document import (
    Answer,
    AnsweredBy,
    AnswerValue,
    Container,
    Document,
    DocumentQuestionSet,
    PoolRow,
    find_container,
)
from copies.paths import Path, is_below, is_in_document, join_path, question_set_path, split_path
from presentation.visibility import PUBLIC, Reader, Visibility
from rules.definition.model import CompiledCatalogue
from rules.flow.followed_renames import follow_renames

#: The type of actors that are guests.
GUEST: Final = "guest"


class Sealing(Protocol):
    """Seals and reveals sensitive answers of one copy."""

    def seal(self, path: str, value: AnswerValue) -> bytes:
        """Return the ciphertext of ``value`` for ``path``."""

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        """Return the plain value of ``answer``."""


class Mode(Enum):
    """The ways in which a changeset may be used."""

    WRITABLE = "writable"
    READ_ONLY = "read only"
    STALE = "stale"


class Origin(NamedTuple):
    """The place of a submitted answer in the request: its ``path`` as the caller knows it (a row that the request adds
    is ``new``), and its JSON ``pointer``.
    """

    path: str
    pointer: str


class _CausedBy:
    """The block in which changes have ``cause``."""

    __slots__ = ("_cause", "_outer", "_tracker")

    def __init__(self, tracker: ChangeTracker, cause: Cause) -> None:
        self._tracker = tracker
        self._cause = cause

    def __enter__(self) -> None:
        self._outer = self._tracker._rule
        self._tracker._rule = self._cause

    def __exit__(self, *error: object) -> None:
        self._tracker._rule = self._outer


class ChangeTracker:
    """The document, the attached records, and the first snapshot of everything that was touched."""

    def __init__(
        self,
        document: Document,
        *,
        loaded: Loaded,
        context: SaveContext,
        sealing: Sealing,
        kinds: Sequence[RecordKind[Any]],
        mode: Mode = Mode.WRITABLE,
        shared: SharedWork | None = None,
    ) -> None:
        """Start with nothing touched; ``document`` is the tracker's own and is changed in place."""
        self.shared = shared
        self.document = document
        self.copy_fields = loaded.copy.fields
        self.form_fields = loaded.form.fields
        self.version = loaded.copy.version
        self.attached: dict[str, RecordAccumulator[Any]] = {
            kind.name: RecordAccumulator(kind, loaded.attached.get(kind.name, ())) for kind in kinds
        }
        self.context = context
        self.catalogue: CompiledCatalogue = context.release.compiled
        self.by: AnsweredBy = context.answered_by
        self.now: datetime = context.now
        self.sealing = sealing
        self.mode = mode
        #: The origin of each submitted answer in the request, by its path.
        self.origins: dict[str, Origin] = {}
        #: The paths of new rows by the names that the caller gave them.
        self.refs: dict[str, str] = {}
        #: Whether the document was replaced as a whole: then rows may be in another order, too.
        self.is_replaced = False
        self.loaded = loaded
        self._answers: SnapshotAccumulator[AnswerSnapshot] = SnapshotAccumulator()
        self._rows: SnapshotAccumulator[str] = SnapshotAccumulator()
        self._question_sets: SnapshotAccumulator[DocumentQuestionSet] = SnapshotAccumulator()
        self._exclusions: SnapshotAccumulator[str] = SnapshotAccumulator()
        self._submitted: SimpleAccumulator[str] = SimpleAccumulator()
        self._causes: dict[str, Cause] = {}
        self._actor: Cause = context.cause
        self._rule: Cause | None = None
        self._removed_rows: set[str] = set()
        self._thread = threading.get_ident()
        if context.renames:
            self._follow_release()

    # For mutators

    @cached_property
    def visibility(self) -> Visibility:
        """Return which values the actor may see: only those may be compared with what they submit."""
        return Visibility(self.catalogue, Reader.for_actor(self.context.actor))

    @property
    def adder(self) -> AnsweredBy:
        """Return the author of a new question set: the rule that requires it, else the actor."""
        return AnsweredBy(self._rule.type, self._rule.id) if self._rule else self.by

    def require_open(self) -> None:
        """Raise ``StaleReference`` after the save."""
        if self.mode is Mode.STALE:
            raise StaleReference

    def require_writable(self) -> None:
        """Raise ``StaleReference`` after the save, ``ReadOnlyChangeset`` on one for reading, ``WrongThread``."""
        if threading.get_ident() != self._thread:
            raise WrongThread
        if self.mode is not Mode.WRITABLE:
            raise StaleReference if self.mode is Mode.STALE else ReadOnlyChangeset

    def require_there(self, path: str) -> None:
        """Raise ``UnknownRow`` where ``path`` lies in a row that this unit of work has removed."""
        for removed in self._removed_rows:
            if path == removed or is_below(path, removed):
                raise UnknownRow(removed)

    @cached_property
    def guest_scope(self) -> GuestScope:
        """Return the part of the copy that the actor may change: for a guest what their link names."""
        if self.by.type != GUEST:
            return WHOLE
        links = self.attached["guest_links"].rows.values()
        link: Any = next((row for row in links if str(row.id) == self.by.id), None)
        return CLOSED if link is None else GuestScope.of(link.question_sets, link.questions)

    def replace_document(self, document: Document) -> None:
        """Make ``document``, which belongs to the tracker from now on, the present one: every difference is a change by
        the actor. Its values count as stored, not as submitted: a value that the release refuses is reported by a
        message.
        """
        self.require_writable()
        if not self.guest_scope.is_whole:
            raise OutsideGuestLink
        for name in ("forced_excluded_products", "agent_bypassed_products"):
            for product in {*getattr(self.document, name)} ^ {*getattr(document, name)}:
                self.touch_exclusion(join_path(name, product))
        self.is_replaced = True
        before, self.document = Picture(self.document), document
        self._note_differences(before, Picture(document), self._actor)

    def new_row_id(self) -> str:
        """Return a new id for a row of a pool."""
        return str(uuid.uuid4())

    def new_id(self) -> uuid.UUID:
        """Return a new id for an attached record: sortable by time."""
        return uuid7()

    def touch_answer(
        self, path: str, answer: Answer | None, *, rule: Cause | None = None, counts_always: bool = False
    ) -> None:
        """Note that the answer at ``path`` is about to change, by ``rule`` if given (a block of ``caused_by`` for each
        answer would cost more). ``counts_always`` makes it a change even if the value is the same: the actor may not
        read it, and must not learn that they guessed it. Raises ``UnknownRow`` in a row that was removed,
        ``OutsideGuestLink``.
        """
        if self._removed_rows:
            self.require_there(path)
        scope = self.guest_scope
        if scope is not WHOLE and rule is None and self._rule is None and not scope.has_answer(self.catalogue, path):
            raise OutsideGuestLink
        if path not in self._answers:
            self._answers.add(path, lambda: snapshot(answer))
        if counts_always:
            self._answers.count_always(path)
        self._note(path, rule)

    def touch_row(self, path: str, *, exists: bool) -> None:
        """Note that the row at ``path`` is about to be added or (``exists``) removed.

        Raises ``UnknownRow`` for one that was removed before, or lies in one that was; ``OutsideGuestLink``.
        """
        self.require_there(path)
        self._require_row_of_guest(path)
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

    def put_record(self, kind: RecordKind[Any], row: AttachedRecord) -> None:
        """Add the attached record ``row``, or replace the one with its id."""
        self.attached[kind.name].add(row)
        self._note(kind.path(row.id))

    def question_set(self, code: str) -> DocumentQuestionSet | None:
        """Return the question set ``code`` on the document, None where it is not."""
        return next((found for found in self.document.question_sets if found.code == code), None)

    # For the save

    @property
    def submitted_paths(self) -> list[str]:
        """Return the paths that the caller touched, not those of rules."""
        return self._submitted.finalize()

    @property
    def touched_paths(self) -> list[str]:
        """Return the document's paths that the caller or a rule touched; all others are unchanged since the load."""
        return [path for path in self._causes if is_in_document(path)]

    def new_sets(self) -> set[str]:
        """Return the codes of the question sets that were not on the document as loaded."""
        return {code for code, before, _ in self._question_sets.finalize(self.question_set) if before is None}

    def new_rows(self) -> set[str]:
        """Return the paths of the rows that were not there as loaded."""
        return {path for path, before, _ in self._rows.finalize(self._row_at) if before is None}

    def caused_by(self, rule: Cause) -> _CausedBy:
        """Return a context manager: the changes inside its block have ``rule`` as their cause, not the actor."""
        return _CausedBy(self, rule)

    def record_events(self) -> list[RecordEvent]:
        """Return the events that follow from the changes of attached records."""
        return [event for accumulator in self.attached.values() for event in accumulator.post_process()]

    def changes(self) -> list[Change]:
        """Return the changes since the load."""
        return self.document_changes() + self.attached_changes()

    def document_changes(self) -> list[Change]:
        """Return the changes of the document."""
        found: list[Change] = []
        for path, row_before, row_after in self._rows.finalize(self._row_at):
            found.append(Change(path, row_before, row_after, self._causes[path]))
        # Many answers are in one row, and finding a row means a walk through its pool: walk once per row.
        container_at = cache(partial(find_container, self.document))
        for path, before, after in self._answers.finalize(lambda path: _answer_at(path, container_at)):
            if after is not None or container_at(split_path(path)[0]) is not None:
                tags, today = (before.tag if before else "", after.tag if after else ""), self.visibility.of(path)
                # Nearly all answers are public, today and when they were given.
                tag = strictest(*tags, today.tag) if today is not PUBLIC or any(tags) else ""
                found.append(_answer_change(path, before, after, cause=self._causes[path], tag=tag))
        for code, set_before, set_after in self._question_sets.finalize(self.question_set):
            path = question_set_path(code)
            found.append(Change(path, _set_state(set_before), _set_state(set_after), self._causes[path]))
        for path, excluded_before, excluded_after in self._exclusions.finalize(self._exclusion_at):
            found.append(Change(path, excluded_before, excluded_after, self._causes[path]))
        return found

    def attached_changes(self) -> list[Change]:
        """Return the changes outside of the document: fields of copy and form, attached records."""
        found = self._field_changes("copy", self.loaded.copy.fields, self.copy_fields)
        found += self._field_changes("application_form", self.loaded.form.fields, self.form_fields)
        return found + self._record_changes()

    @property
    def touches_form(self) -> bool:
        """Return whether the changes concern all copies of the form, or delete this copy."""
        return (
            self.form_fields != self.loaded.form.fields
            or (self.copy_fields.deleted_at is not None and self.loaded.copy.fields.deleted_at is None)
            or any(
                before is not None or accumulator.kind.depends_on_others
                for accumulator in self.attached.values()
                if accumulator.kind.of_form
                for before, _ in accumulator.finalize()
            )
        )

    def close(self) -> None:
        """Make the changeset and its mutators stale."""
        self.mode = Mode.STALE

    def _require_row_of_guest(self, path: str) -> None:
        if self._rule is not None or self.guest_scope.is_whole:
            return
        row, pool = find_container(self.document, path) or PoolRow(id=""), Path(path).pool
        if not self.guest_scope.has_row(self.catalogue, pool, row):
            raise OutsideGuestLink

    def _note(self, path: str, rule: Cause | None = None) -> None:
        rule = rule or self._rule
        if rule is None:
            self._submitted.add(path)
            if path in self._causes and self._causes[path].type == RELEASE:
                del self._causes[path]
        self._causes.setdefault(path, rule or self._actor)

    def _follow_release(self) -> None:
        """Move answers and rows to the codes of the present release, as changes that the release caused."""
        cause = Cause(RELEASE, str(self.context.release.number))
        before = Picture(self.document)
        follow_renames(self.document, self.context.renames, sealing=self.sealing)
        self._note_differences(before, Picture(self.document), cause)

    def _note_differences(self, before: Picture, after: Picture, cause: Cause) -> None:
        for path in {**before.rows, **after.rows}:
            if before.rows.get(path) != after.rows.get(path):
                self._rows.add(path, partial(before.rows.get, path))
                self._causes[path] = cause
        for path in {**before.answers, **after.answers}:
            if before.answers.get(path) != after.answers.get(path):
                self._answers.add(path, partial(before.answers.get, path))
                self._causes[path] = cause
        for code in {**before.question_sets, **after.question_sets}:
            if before.question_sets.get(code) != after.question_sets.get(code):
                self._question_sets.add(code, partial(before.question_sets.get, code))
                self._causes[question_set_path(code)] = cause

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
            Change(join_path(prefix, name), _field_value(before[name]), _field_value(after[name]), self._actor)
            for name in before
            if before[name] != after[name] and name not in UNREPORTED
        ]

    def _record_changes(self) -> list[Change]:
        found = []
        for accumulator in self.attached.values():
            shown = accumulator.kind.shown
            for before, after in accumulator.finalize():
                path = accumulator.kind.path(after.id)
                found.append(Change(path, before and shown(before), shown(after), self._causes[path]))
        return found


def _field_value(value: Any) -> AnswerValue:
    """Return the value of a field as changes hold it: texts by key as JSON, None for none."""
    if not isinstance(value, Mapping):
        return cast("AnswerValue", value)
    return msgspec.json.encode(value, order="sorted").decode() if value else None


def _answer_at(path: str, container_at: Callable[[str], Container | None]) -> AnswerSnapshot | None:
    prefix, code = split_path(path)
    container = container_at(prefix)
    return None if container is None else snapshot(container.answers.get(code))


#: The snapshot of a missing answer: neither visible nor required.
_NOTHING: Final = AnswerSnapshot(None, None, active=False, required="", readonly=False)


def _answer_change(
    path: str, before: AnswerSnapshot | None, after: AnswerSnapshot | None, *, cause: Cause, tag: str
) -> Change:
    was, now = before or _NOTHING, after or _NOTHING
    return Change(
        path,
        was.shown,
        now.shown,
        cause,
        active=now.active if (before is None) != (after is None) or was.active != now.active else None,
        required=now.required if (before is None) != (after is None) or was.required != now.required else None,
        tag=tag,
        confirmed=now.confirmed if was.confirmed != now.confirmed else None,
        proposed=(now.proposed.origin if now.proposed else "") if was.proposed != now.proposed else None,
    )


def _set_state(question_set: DocumentQuestionSet | None) -> str | None:
    if question_set is None:
        return None
    return "completed" if question_set.completed_at else "open"
