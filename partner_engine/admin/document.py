"""A copy's document as text for staff: question sets, answers with author and time, and nested rows. Pure.

What counts no more is shown, marked as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from copies.changes import Change, outside_title
from copies.document import Answer, AnsweredBy, AnswerValue, Container, Document, PoolRow, row_number, walk_answers
from copies.paths import Path, join_path, row_steps
from presentation.visibility import SECRET, Visibility
from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue

#: The entry points of answers and changes, as text.
_ENTRY_POINTS: Final = {"web": "web", "api": "API", "admin": "admin", "job": "job", "zip": "from ZIP"}
_FIELDS: Final = {
    "copy/title": "Title",
    "copy/locked_at": "Locked",
    "copy/lock_reason": "Reason of the lock",
    "application_form/base_copy_id": "Base of the form",
    "copy/deleted_at": "Deleted",
    "copy/owner_id": "Owner",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """One answer. ``text`` is masked if necessary. ``can_reveal`` is set for secret answers."""

    path: str
    code: str
    label: str
    text: str
    is_active: bool
    is_answered: bool
    required: str
    tag: str
    can_reveal: bool
    who: str
    when: datetime | None


@dataclass(frozen=True, slots=True)
class RowPart:
    """One row of a pool with its answers and nested pools."""

    number: int
    id: str
    path: str
    name: str
    answers: tuple[AnswerLine, ...]
    pools: tuple[PoolPart, ...]


@dataclass(frozen=True, slots=True)
class PoolPart:
    """One pool of the document or of a row."""

    code: str
    title: str
    rows: tuple[RowPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPart:
    """One question set. A set that is not on the document is included if it has stored answers."""

    code: str
    title: str
    is_on_document: bool
    completed_at: datetime | None = None
    added_by: str = ""
    answers: tuple[AnswerLine, ...] = ()
    pools: tuple[PoolPart, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change of a revision as text."""

    path: str
    label: str
    before: str
    after: str
    note: str
    cause: str


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Converts one document to text for staff. ``names`` maps type and id of users and API clients to their names."""

    catalogue: CompiledCatalogue
    document: Document
    visibility: Visibility
    names: Mapping[tuple[str, str], str]

    def sets(self) -> tuple[SetPart, ...]:
        """Return the question sets that are on the document or have answers in it, in the catalogue's order."""
        parts = [part for code in self.catalogue.sets if (part := self._set(code)) is not None]
        left = tuple(
            self._line(code, code, answer)
            for code, answer in self.document.answers.items()
            if code not in self.catalogue.questions
        )
        return (
            *parts,
            *(
                [SetPart(code="", title="No longer in the catalogue", is_on_document=False, answers=left)]
                if left
                else []
            ),
        )

    def changes(self, changes: Iterable[Change], visibility: Visibility) -> tuple[ChangeLine, ...]:
        """Return the changes of a revision; ``visibility`` is the reader's for the values of that time."""
        return tuple(
            ChangeLine(
                change.path,
                self.label(change.path),
                *visibility.change_texts(change),
                _note(change),
                " ".join(filter(None, (change.cause.type, self._name(change.cause.type, change.cause.id)))),
            )
            for change in changes
        )

    def label(self, path: str) -> str:
        """Return the label of the question, pool, row, or field at ``path``, with the rows around it."""
        if path in _FIELDS:
            return _FIELDS[path]
        place = Path(path)
        if not place.is_in_document:
            return outside_title(path)
        last = place.code
        if place.is_question_set:
            return f"Question set: {self._title(last)}"
        rows = [*place.rows_around(), *(() if place.is_answer else (path,))]
        places = [
            f"{self._pool_title(pool)} {row_number(self.document, row) or '(removed row)'}"
            for row, (pool, _) in zip(rows, row_steps(path), strict=True)
        ]
        if not place.is_answer:
            return " › ".join(places)
        known = self.catalogue.questions.get(last)
        own = known.question.label if known else (self._pool_title(last) if last in self.catalogue.pools else last)
        return " › ".join([*places, own])

    def value(self, path: str, value: AnswerValue, *, tag: str = "") -> str:
        """Return ``value``, found at ``path`` in an adjustment, as it may be shown; ``tag`` is the sensitivity under
        which it was given.
        """
        return self.visibility.text(path, value, tag=tag)

    def derived(self, code: str, value: str | float | bool | None) -> str | float | bool | None:
        """Return the derived ``value`` or its mask: it is as sensitive as the answers that it is made of."""
        shown: str | float | bool | None = self.visibility.derived(self.catalogue, self.document, code, value)
        return shown

    def _set(self, code: str) -> SetPart | None:
        compiled = self.catalogue.sets[code]
        if compiled.parent:
            return None
        attached = next((part for part in self.document.question_sets if part.code == code), None)
        pools = tuple(self._pools(self.document, "", (compiled.pool,))) if compiled.pool else ()
        answers = () if compiled.pool else self._lines(compiled.question_set.questions, self.document, "")
        if attached is None and not answers and not any(pool.rows for pool in pools):
            return None
        return SetPart(
            code=code,
            title=compiled.question_set.title,
            is_on_document=attached is not None,
            completed_at=attached.completed_at if attached else None,
            added_by=self._who(attached.added_by) if attached else "",
            answers=answers,
            pools=pools,
        )

    def _pools(self, container: Container, prefix: str, codes: Iterable[str]) -> Iterator[PoolPart]:
        for code in codes:
            rows = container.answer_pools.get(code, [])
            if rows or not prefix:
                parts = (
                    self._row(code, row, join_path(prefix, code, row.id), number) for number, row in enumerate(rows, 1)
                )
                yield PoolPart(code, self._pool_title(code), tuple(parts))

    def _row(self, pool: str, row: PoolRow, path: str, number: int) -> RowPart:
        compiled = self.catalogue.pools[pool]
        questions = self.catalogue.sets[compiled.set_code].question_set.questions
        lines = self._lines(questions, row, path)
        keys = compiled.pool.key or tuple(question.code for question in questions[:1])
        name = ", ".join(line.text for line in lines if line.code in keys and line.is_answered and not line.tag)
        return RowPart(number, row.id, path, name, lines, tuple(self._pools(row, path, compiled.children)))

    def _lines(self, questions: Iterable[Question], container: Container, prefix: str) -> tuple[AnswerLine, ...]:
        return tuple(
            self._line(question.code, join_path(prefix, question.code), answer)
            for question in questions
            if (answer := container.answers.get(question.code)) is not None
        )

    def _line(self, code: str, path: str, answer: Answer) -> AnswerLine:
        known = self.catalogue.questions.get(code)
        level = self.visibility.of(path, answer)
        return AnswerLine(
            path=path,
            code=code,
            label=known.question.label if known else code,
            text=self.visibility.answer_text(path, answer),
            is_active=answer.active,
            is_answered=answer.is_answered,
            required=answer.required,
            tag=level.tag,
            can_reveal=answer.is_answered and level >= SECRET,
            who=self._who(answer.answered_by),
            when=answer.updated_at,
        )

    def _title(self, set_code: str) -> str:
        known = self.catalogue.sets.get(set_code)
        return known.question_set.title if known else set_code

    def _pool_title(self, code: str) -> str:
        known = self.catalogue.pools.get(code)
        return self._title(known.set_code) if known else code

    def _who(self, by: AnsweredBy | None) -> str:
        if by is None:
            return ""
        entry_point = f" ({_ENTRY_POINTS.get(by.source, by.source)})" if by.source else ""
        name = self.names.get((by.type, by.id)) or f"{by.type} {by.id}".strip()
        return f"{name}{entry_point}"

    def _name(self, kind: str, identity: str) -> str:
        return self.names.get((kind, identity), identity)


def answerers(document: Document) -> set[tuple[str, str]]:
    """Return type and id of everybody who gave an answer."""
    return {
        (answer.answered_by.type, answer.answered_by.id) for _, answer in walk_answers(document) if answer.answered_by
    }


def _note(change: Change) -> str:
    """Return a note if the question appeared or disappeared, or if its requirement changed."""
    notes = []
    if change.active is not None:
        notes.append("appeared" if change.active else "disappeared")
    if change.required is not None:
        notes.append(f"needed to {change.required}" if change.required else "no longer needed")
    return ", ".join(notes)
