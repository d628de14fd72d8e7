"""Subjectivities: what a carrier wants paid, signed, sent or answered before it binds or keeps a policy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind
from batch.changes.free_texts import clean_foreign_text
from batch.changes.mutators.carrier_messages import FindSource
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import WrongState
from carriers.links.wire import SubjectivityKind, WireSubjectivity
from webhooks.event_types import CopyEvent, EventType

MOST: Final = 30
#: Who is to do what, unless a person decides otherwise.
_OWNERS: Final[Mapping[SubjectivityKind, str]] = {
    SubjectivityKind.PAY: "insured",
    SubjectivityKind.SIGN: "insured",
    SubjectivityKind.UPLOAD: "agent",
    SubjectivityKind.ANSWER: "agent",
}


class SubjectivityRow(AttachedRecord, frozen=True, kw_only=True):
    """One subjectivity of a quote; ``path`` is the answer that is missing, "" for anything else."""

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

    @property
    def is_open(self) -> bool:
        """Return whether it is still to be done."""
        return self.done_at is None and self.closed_at is None

    @property
    def state(self) -> str:
        """Return open, done, or closed: the carrier no longer requires it."""
        if self.closed_at is not None:
            return "closed"
        return "open" if self.done_at is None else "done"


class SubjectivityEvent(CopyEvent, frozen=True, kw_only=True):
    """One subjectivity in its new state."""

    id: str
    quote_request_id: str
    code: str
    kind: str
    owner: str
    due_on: str | None


def _emit(before: SubjectivityRow | None, after: SubjectivityRow) -> Iterator[RecordEvent]:
    if before is None or before.state != after.state:
        yield (
            after.state,
            {
                "id": str(after.id),
                "quote_request_id": str(after.quote_request_id),
                "code": after.code,
                "kind": after.kind,
                "owner": after.owner,
                "due_on": after.due_on and after.due_on.isoformat(),
            },
        )


SUBJECTIVITIES: Final = RecordKind(
    name="subjectivities",
    struct=SubjectivityRow,
    model="forms.Subjectivity",
    shown=lambda row: row.state,
    events=EventType(
        family="subjectivity",
        names=("open", "done", "closed"),
        data=SubjectivityEvent,
        when="a condition of a quote was set, met, or dropped by the carrier",
    ),
    emit=_emit,
)


class SubjectivityMutator(RecordMutator[SubjectivityRow]):
    """One subjectivity. Every method raises ``WrongState`` for one that the carrier no longer requires."""

    kind: ClassVar = SUBJECTIVITIES

    def mark_done(self) -> None:
        """Record that it is done, by the actor."""
        self._require_in_force("done")
        if self.row.done_at is None:
            actor = self._tracker.context.actor
            self._change(done_at=self._tracker.now, done_by=(actor.label or actor.type)[:200])

    def mark_undone(self) -> None:
        """Record that it is still to be done."""
        self._require_in_force("open")
        self._change(done_at=None, done_by="")

    def _require_in_force(self, wanted: str) -> None:
        if self.row.closed_at is not None:
            raise WrongState(self.path, now="closed", wanted=wanted, possible=())


class Subjectivities(RecordCollection[SubjectivityRow, SubjectivityMutator]):
    """The subjectivities of a copy's quotes."""

    mutator: ClassVar = SubjectivityMutator

    def of_quote(self, quote_request_id: UUID) -> list[SubjectivityMutator]:
        """Return those of one quote request, in the order in which they came."""
        return [self._opened(row.id) for row in self._in_force() if row.quote_request_id == quote_request_id]

    def receive(self, quote_request_id: UUID, reported: Sequence[WireSubjectivity], *, find_source: FindSource) -> None:
        """Apply the carrier's list: new ones are added, changed ones renewed, and those it no longer names closed.

        They are matched by code; one that is done stays done.
        """
        known = {row.code: row for row in self._in_force() if row.quote_request_id == quote_request_id}
        named = {clean_foreign_text(one.code, most=64): one for one in reported[:MOST]}
        named.pop("", None)
        for code, one in named.items():
            values = {
                "kind": one.kind.value,
                "text": clean_foreign_text(one.text, most=300) or code,
                "due_on": one.due_on,
                "path": source.path if one.field and (source := find_source(one.field)) else "",
                "closed_at": None,
            }
            if code in known:
                self._opened(known[code].id)._change(**values)
            else:
                self._put(self._new(quote_request_id, code=code, owner=_OWNERS[one.kind], **values))
        for code, row in known.items():
            if code not in named and row.closed_at is None:
                self._opened(row.id)._change(closed_at=self._tracker.now)

    def close_all(self, quote_request_id: UUID) -> None:
        """Close those of one quote request: it is sent again, or has ended."""
        self.receive(quote_request_id, (), find_source=lambda field: None)

    def _new(self, quote_request_id: UUID, **values: Any) -> SubjectivityRow:
        return SubjectivityRow(
            id=self._tracker.new_id(), created_at=self._tracker.now, quote_request_id=quote_request_id, **values
        )
