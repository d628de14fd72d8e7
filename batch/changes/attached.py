"""Attached records: rows of their own tables that belong to a copy or to its form (messages, processes, ...). Pure.

A record is a frozen struct, so the struct that was loaded is its own snapshot. A kind is declared once, as a
``RecordKind`` in the module of its mutator; the rest of the batch follows from the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from copies.paths import attached_path
from webhooks.event_types import EventType


class AttachedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attached record. Its fields are the columns of its table except tenant, copy and form."""

    id: UUID
    created_at: datetime


R = TypeVar("R", bound=AttachedRecord)
#: An event that follows from a change: its type and its data.
RecordEvent: TypeAlias = tuple[str, dict[str, Any]]


class InForce(Protocol):
    """A condition on a record, in SQL and in Python: only records in force are loaded with their copy."""

    @property
    def sql(self) -> str:
        """Return the condition on the row ``r``."""

    def __call__(self, record: Any, /) -> bool:
        """Return whether ``record`` is in force."""


@dataclass(frozen=True, slots=True)
class Always:
    """Every record is in force."""

    sql: str = "TRUE"

    def __call__(self, record: Any, /) -> bool:
        """Return True."""
        return True


@dataclass(frozen=True, slots=True)
class WhileUnset:
    """A record is in force until its ``column`` is set."""

    column: str

    @property
    def sql(self) -> str:
        """Return the condition on the row ``r``."""
        return f"r.{self.column} IS NULL"

    def __call__(self, record: Any, /) -> bool:
        """Return whether the column of ``record`` is unset."""
        return getattr(record, self.column) is None


@dataclass(frozen=True, slots=True)
class WhileNot:
    """A record is in force while its ``column`` has another value than ``value``."""

    column: str
    value: str

    @property
    def sql(self) -> str:
        """Return the condition on the row ``r``."""
        return f"r.{self.column} <> '{self.value}'"

    def __call__(self, record: Any, /) -> bool:
        """Return whether the column of ``record`` has another value."""
        return bool(getattr(record, self.column) != self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonedCopy:
    """The copy into which an attached record is cloned: ``new_id`` for the record, the ``place`` of a source's path in
    the clone, the ``products`` of its release. ``is_last_touched`` marks the clone of the copy last touched by a user.
    """

    new_id: UUID
    now: datetime
    is_last_touched: bool
    products: Container[str]
    place: Callable[[str], str]


def stays(record: Any, clone: ClonedCopy) -> None:
    """Leave the record with its form: it is not cloned."""


def _emit_nothing(before: Any, after: Any) -> Iterable[RecordEvent]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordKind(Generic[R]):
    """The declaration of one kind of attached record.

    ``model`` is the label of its table ("forms.Message"), ``unsaved_columns`` those that saves leave as they are.
    ``shown`` gives the text of a record in history (nothing sensitive). ``events`` declares the types of its webhook
    events; ``emit`` gives the events of a change, by their names in that family, with their data.
    Records ``of_form`` belong to all copies of the form. Records that are ``append_only`` are never changed nor loaded.
    With ``depends_on_others`` a new record depends on those that exist, so two cannot be added at once.
    ``cloned`` gives the record that a cloned form gets, None for one that stays with its form.
    """

    name: str
    struct: type[R]
    model: str
    shown: Callable[[R], str | None]
    events: EventType | None = None
    emit: Callable[[R | None, R], Iterable[RecordEvent]] = _emit_nothing
    in_force: InForce = field(default_factory=Always)
    unsaved_columns: frozenset[str] = frozenset()
    of_form: bool = False
    append_only: bool = False
    depends_on_others: bool = False
    cloned: Callable[[R, ClonedCopy], R | None] = stays

    def path(self, identity: UUID) -> str:
        """Return the path of a change: ``copy.messages/<id>``, ``form.dispositions/<id>``."""
        return attached_path(self.name, identity, of_form=self.of_form)


class RecordAccumulator(Generic[R]):
    """The records of one kind, as loaded and as changed."""

    def __init__(self, kind: RecordKind[R], loaded: Sequence[R] = ()) -> None:
        self.kind = kind
        self.rows: dict[UUID, R] = {row.id: row for row in loaded} if loaded else {}
        #: What each touched record was before its first change, None for a new one, in the order of the changes.
        self._before: dict[UUID, R | None] = {}

    def add(self, row: R) -> None:
        """Add ``row``, or replace the record with its id."""
        if row.id not in self._before:
            self._before[row.id] = None if self.kind.append_only else self.rows.get(row.id)
        self.rows[row.id] = row

    def finalize(self) -> list[tuple[R | None, R]]:
        """Return each record that changed since the load: before (None for a new one) and after."""
        if not self._before:
            return []
        touched = ((before, self.rows[identity]) for identity, before in self._before.items())
        return [(before, after) for before, after in touched if before != after]

    def in_force(self) -> tuple[R, ...]:
        """Return the records that a load would return now."""
        if self.kind.append_only or not self.rows:
            return ()
        return tuple(row for row in self.rows.values() if self.kind.in_force(row))

    def post_process(self) -> list[RecordEvent]:
        """Return the events that follow from the changes, with their full types."""
        events = self.kind.events
        if events is None or not self._before:
            return []
        return [
            (f"{events.family}.{name}", data)
            for before, after in self.finalize()
            for name, data in self.kind.emit(before, after)
        ]
