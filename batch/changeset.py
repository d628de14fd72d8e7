"""The changes of one unit of work, in memory: a document, the mutators that change it, and what they touched. Pure.

A changeset belongs to one load. After the save it is stale, and so is every mutator taken from it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Protocol

import msgspec

from batch.accumulators import SimpleAccumulator, SnapshotAccumulator
from batch.errors import ReadOnlyChangeset, StaleReference, UnknownQuestion, UnknownQuestionSet
from batch.given import plan_answers
from batch.mutators.answers import AnswerMutator, AnswerSnapshot, snapshot
from batch.mutators.copy_fields import CopyFields, CopyFieldsMutator
from batch.mutators.exclusions import ExclusionsMutator
from batch.mutators.pools import PoolMutator, RowMutator, open_pool
from batch.mutators.question_sets import QuestionSetMutator
from copies.changes import Cause, Change
from copies.document import Answer, AnsweredBy, AnswerValue, Document, DocumentQuestionSet, find_container, join_path
from forms.rules.compile import CompiledCatalogue


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
    """Who makes the changes and when, as answers and history keep it."""

    by: AnsweredBy
    now: datetime

    @property
    def cause(self) -> Cause:
        """Return the origin as the cause of a change."""
        return Cause(self.by.type, self.by.id)


class Changeset:
    """All that one unit of work changes on one copy. Reached as ``context.changeset``."""

    def __init__(
        self,
        *,
        document: Document,
        copy_fields: CopyFields,
        catalogue: CompiledCatalogue,
        sealing: Sealing,
        origin: Origin,
        mode: Mode = Mode.WRITABLE,
    ) -> None:
        """Made by the context; ``document`` is this changeset's own and is changed in place by its mutators."""
        self.document = document
        self.copy_fields = copy_fields
        self.catalogue = catalogue
        self.sealing = sealing
        self.origin = origin
        self.mode = mode
        #: Where in the request each given answer came from: path -> JSON pointer.
        self.pointers: dict[str, str] = {}
        self._first_fields = copy_fields
        self._answers: SnapshotAccumulator[AnswerSnapshot] = SnapshotAccumulator()
        self._rows: SnapshotAccumulator[str] = SnapshotAccumulator()
        self._question_sets: SnapshotAccumulator[DocumentQuestionSet] = SnapshotAccumulator()
        self._exclusions: SnapshotAccumulator[str] = SnapshotAccumulator()
        self._given: SimpleAccumulator[str] = SimpleAccumulator()
        self._causes: dict[str, Cause] = {}
        self._ruling: Cause | None = None

    # What callers use

    def find_answer(self, path: str) -> AnswerMutator:
        """Return the mutator of the answer at ``path`` (``code`` or ``pool/<row id>/code``).

        Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``.
        """
        self.require_open()
        *steps, code = path.split("/")
        if steps:
            return self._find_row(steps, path).find_answer(code)
        question = self.catalogue.questions.get(code)
        if question is None:
            raise UnknownQuestion(path)
        if question.pool:
            raise UnknownQuestion(path, f": it belongs to the rows of {question.pool!r}")
        return AnswerMutator(self, self.document, "", question.question)

    def find_pool(self, code: str) -> PoolMutator:
        """Return the pool ``code`` at the top of the document. Raises ``UnknownPool``."""
        self.require_open()
        return open_pool(self, self.document, "", code, parent="")

    def apply_answers(self, answers: Mapping[str, object], answer_pools: Mapping[str, object] | None = None) -> None:
        """Take many answers and rows at once, in the shapes of the API.

        ``answers`` maps codes to values (None clears); ``answer_pools`` maps pools to lists of ``{answers,
        answer_pools}`` (a new row), the same with ``id`` (a change) or ``{id, delete: true}``.
        Raises ``InvalidAnswers`` with every fault; then nothing was changed.
        """
        self.require_writable()
        plan_answers(self, answers, {} if answer_pools is None else answer_pools).carry_out()

    def apply_to_row(
        self, row: RowMutator, *, answers: Mapping[str, object], answer_pools: Mapping[str, object]
    ) -> None:
        """Do the same below one row."""
        self.require_writable()
        plan_answers(self, answers, answer_pools, row=row).carry_out()

    def find_question_set(self, code: str) -> QuestionSetMutator:
        """Return the question set ``code`` on the document. Raises ``UnknownQuestionSet``."""
        self.require_open()
        found = self._question_set_on_document(code)
        if found is None:
            raise UnknownQuestionSet(code)
        return QuestionSetMutator(self, found)

    def add_question_set(self, code: str) -> QuestionSetMutator:
        """Put the question set ``code`` on the document, in the catalogue's order; one that is there stays.

        Raises ``UnknownQuestionSet``.
        """
        self.require_writable()
        if code not in self.catalogue.sets:
            raise UnknownQuestionSet(code)
        found = self._question_set_on_document(code)
        if found is None:
            self.touch_question_set(code)
            by = AnsweredBy(self._ruling.type, self._ruling.id) if self._ruling else self.by
            found = DocumentQuestionSet(code=code, added_by=by, created_at=self.now)
            self.document.question_sets.append(found)
            order = {set_code: position for position, set_code in enumerate(self.catalogue.sets)}
            # A set that a later release no longer has stays last.
            self.document.question_sets.sort(key=lambda question_set: order.get(question_set.code, len(order)))
        return QuestionSetMutator(self, found)

    @property
    def exclusions(self) -> ExclusionsMutator:
        """Return the mutator of excluded and bypassed products."""
        self.require_open()
        return ExclusionsMutator(self)

    @property
    def copy(self) -> CopyFieldsMutator:
        """Return the mutator of the copy's title, lock and deletion."""
        self.require_open()
        return CopyFieldsMutator(self)

    # What mutators use

    @property
    def by(self) -> AnsweredBy:
        """Return who answers."""
        return self.origin.by

    @property
    def now(self) -> datetime:
        """Return the moment of this unit of work; all its times are this one."""
        return self.origin.now

    def require_open(self) -> None:
        """Raise ``StaleReference`` after the save."""
        if self.mode is Mode.STALE:
            raise StaleReference

    def require_writable(self) -> None:
        """Raise ``StaleReference`` after the save, ``ReadOnlyChangeset`` where nothing may be written."""
        if self.mode is not Mode.WRITABLE:
            raise StaleReference if self.mode is Mode.STALE else ReadOnlyChangeset

    def new_id(self) -> str:
        """Return a new id for a row."""
        return str(uuid.uuid4())

    def touch_answer(self, path: str, answer: Answer | None) -> None:
        """Note that the answer at ``path`` is about to change."""
        self._answers.add(path, lambda: snapshot(answer))
        self._note(path)

    def touch_row(self, path: str, *, exists: bool) -> None:
        """Note that the row at ``path`` is about to be added or removed."""
        self._rows.add(path, lambda: path.rpartition("/")[2] if exists else None)
        self._note(path)

    def touch_question_set(self, code: str) -> None:
        """Note that the question set ``code`` is about to change on the document."""
        found = self._question_set_on_document(code)
        self._question_sets.add(code, lambda: None if found is None else msgspec.structs.replace(found))
        self._note(f"question_sets/{code}")

    def touch_exclusion(self, path: str) -> None:
        """Note that an exclusion (``forced_excluded_products/<code>``) is about to change."""
        self._exclusions.add(path, lambda: self._exclusion_at(path))
        self._note(path)

    # What the context uses

    @property
    def given_paths(self) -> list[str]:
        """Return the paths that were touched by the caller, not by rules."""
        return self._given.finalize()

    @property
    def touched_paths(self) -> list[str]:
        """Return the paths that were touched by the caller or by rules; all else stands as it was loaded."""
        return list(self._causes)

    def rule_by(self, cause: Cause | None) -> None:
        """Put ``cause`` on the changes that follow; None goes back to the caller as the cause."""
        self._ruling = cause

    def changes(self) -> list[Change]:
        """Return what stands otherwise than when the changeset was made."""
        found: list[Change] = []
        for path, row_before, row_after in self._rows.finalize(self._row_at):
            found.append(Change(path, row_before, row_after, self._causes[path]))
        for path, before, after in self._answers.finalize(self._answer_at):
            if after is not None or find_container(self.document, path.rpartition("/")[0]) is not None:
                found.append(_answer_change(path, before, after, self._causes[path]))
        for code, set_before, set_after in self._question_sets.finalize(self._question_set_on_document):
            path = f"question_sets/{code}"
            found.append(Change(path, _set_state(set_before), _set_state(set_after), self._causes[path]))
        for path, excluded_before, excluded_after in self._exclusions.finalize(self._exclusion_at):
            found.append(Change(path, excluded_before, excluded_after, self._causes[path]))
        return found + self._copy_changes()

    def close(self) -> None:
        """Make this changeset and its mutators stale."""
        self.mode = Mode.STALE

    def _note(self, path: str) -> None:
        if self._ruling is None:
            self._given.add(path)
        self._causes.setdefault(path, self._ruling or self.origin.cause)

    def _find_row(self, steps: list[str], path: str) -> RowMutator:
        if len(steps) % 2:
            raise UnknownQuestion(path, ": a path goes pool/row id/.../code")
        row = self.find_pool(steps[0]).find_row(steps[1])
        for pool, row_id in zip(steps[2::2], steps[3::2], strict=True):
            row = row.find_pool(pool).find_row(row_id)
        return row

    def _answer_at(self, path: str) -> AnswerSnapshot | None:
        prefix, _, code = path.rpartition("/")
        container = find_container(self.document, prefix)
        return None if container is None else snapshot(container.answers.get(code))

    def _row_at(self, path: str) -> str | None:
        return None if find_container(self.document, path) is None else path.rpartition("/")[2]

    def _question_set_on_document(self, code: str) -> DocumentQuestionSet | None:
        return next((found for found in self.document.question_sets if found.code == code), None)

    def _exclusion_at(self, path: str) -> str | None:
        name, _, product = path.partition("/")
        return product if product in getattr(self.document, name) else None

    def _copy_changes(self) -> list[Change]:
        before, after = msgspec.to_builtins(self._first_fields), msgspec.to_builtins(self.copy_fields)
        cause = self.origin.cause
        return [
            Change(join_path("copy", name), before[name], after[name], cause)
            for name in before
            if before[name] != after[name]
        ]


def _answer_change(path: str, before: AnswerSnapshot | None, after: AnswerSnapshot | None, cause: Cause) -> Change:
    def changed(name: str) -> bool:
        return bool(getattr(before, name, None) != getattr(after, name, None))

    return Change(
        path,
        before.shown if before else None,
        after.shown if after else None,
        cause,
        active=(after.active if after else False) if changed("active") else None,
        required=(after.required if after else "") if changed("required") else None,
    )


def _set_state(question_set: DocumentQuestionSet | None) -> str | None:
    if question_set is None:
        return None
    return "completed" if question_set.completed_at else "open"
