"""The base classes of mutators of attached records and of their collections. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, NoReturn, TypeVar
from uuid import UUID

import msgspec

from batch.changes.attached import AttachedRecord, RecordAccumulator, RecordKind
from batch.changes.tracker import ChangeTracker
from batch.errors import UnknownRecord, WrongState

R = TypeVar("R", bound=AttachedRecord)


class RecordMutator(Generic[R]):
    """One attached record. Stale after the save; the methods of a subclass are the changes that it allows."""

    kind: ClassVar[RecordKind[Any]]

    def __init__(self, tracker: ChangeTracker, identity: UUID) -> None:
        self._tracker = tracker
        self.id = identity
        self.path = self.kind.path(identity)

    @property
    def row(self) -> R:
        """Return the record with the changes so far."""
        self._tracker.require_open()
        row: R = self._tracker.attached[self.kind.name].rows[self.id]
        return row

    def _change(self, **values: object) -> None:
        self._tracker.require_writable()
        changed = msgspec.structs.replace(self.row, **values)
        if changed != self.row:
            self._tracker.put_record(self.kind, changed)


class StateMutator(RecordMutator[R]):
    """An attached record with a ``state`` and an ``updated_at``; ``following`` maps each state to those that may
    follow.
    """

    following: ClassVar[Mapping[str, frozenset[str]]]

    def _go(self, state: str, **values: object) -> None:
        """Enter ``state`` with ``values``. Raises ``WrongState`` where it may not follow the present one."""
        self._tracker.require_writable()
        row: Any = self.row
        if state not in self.following[row.state]:
            self._refuse(state)
        self._enter(state, **values)

    def _enter(self, state: str, **values: object) -> None:
        """Enter ``state`` with ``values``, whatever the present one is."""
        self._change(state=state, updated_at=self._tracker.now, **values)

    def _refuse(self, state: str) -> NoReturn:
        row: Any = self.row
        raise WrongState(self.path, now=row.state, wanted=state, possible=self.following[row.state])


M = TypeVar("M", bound=RecordMutator[Any])


class RecordCollection(Generic[R, M]):
    """All records of one kind that are in force. Stale after the save."""

    mutator: ClassVar[type[RecordMutator[Any]]]

    def __init__(self, tracker: ChangeTracker) -> None:
        self._tracker = tracker
        self._kind: RecordKind[R] = self.mutator.kind

    def __iter__(self) -> Iterator[M]:
        """Yield the mutators in the order in which the records were added."""
        self._tracker.require_open()
        for identity in [row.id for row in self._in_force()]:
            yield self._opened(identity)

    def __len__(self) -> int:
        self._tracker.require_open()
        return len(self._in_force())

    def find(self, identity: UUID | str) -> M:
        """Return the mutator of the record with this id. Raises ``UnknownRecord``."""
        self._tracker.require_open()
        try:
            known = UUID(str(identity))
        except ValueError as error:
            raise UnknownRecord(self._kind.name, identity) from error
        if known not in self._accumulator.rows:
            raise UnknownRecord(self._kind.name, identity)
        return self._opened(known)

    def _in_force(self) -> list[R]:
        return [row for row in self._accumulator.rows.values() if self._kind.in_force(row)]

    @property
    def _accumulator(self) -> RecordAccumulator[R]:
        return self._tracker.attached[self._kind.name]

    def _put(self, row: R) -> M:
        self._tracker.require_writable()
        self._tracker.put_record(self._kind, row)
        return self._opened(row.id)

    def _opened(self, identity: UUID) -> M:
        opened: Any = self.mutator(self._tracker, identity)
        mutator: M = opened
        return mutator
