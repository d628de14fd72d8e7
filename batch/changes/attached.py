"""Rows beside the document (messages, quote requests, processes, ...): what their kinds have in common. Pure.

A neighbour is a frozen struct, so the struct that was loaded is its own snapshot. Every kind declares itself once, in
its mutator's module; ``batch.storage.tables`` says which table holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from batch.changes.accumulators import SimpleAccumulator, SnapshotAccumulator
from batch.errors import UnknownNeighbour
from copies.paths import attached_path

if TYPE_CHECKING:
    from batch.changes.tracker import ChangeTracker


class AttachedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row beside the document. Its fields are the columns of its table but for tenant, copy and form."""

    id: UUID
    created_at: datetime


N = TypeVar("N", bound=AttachedRecord)
#: An event that the world is told of: its type and its data.
Told: TypeAlias = tuple[str, dict[str, Any]]


def _tells_nothing(before: Any, after: Any) -> Iterable[Told]:
    return ()


def _is_always(row: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordKind(Generic[N]):
    """One kind of neighbour, such as ``messages``.

    ``shown`` is what history shows of one (nothing sensitive), ``tell`` the events that follow from a change.
    ``is_in_force`` tells what is loaded, as ``Table.in_force`` does in SQL. ``of_form`` ones belong to all copies of
    the form; ``is_appended`` ones are only ever added, and are not loaded.
    A new one of a kind that ``depends_on_others`` is made by what others there are.
    """

    name: str
    struct: type[N]
    shown: Callable[[N], str | None]
    tell: Callable[[N | None, N], Iterable[Told]] = _tells_nothing
    is_in_force: Callable[[N], bool] = _is_always
    of_form: bool = False
    is_appended: bool = False
    depends_on_others: bool = False

    def path(self, identity: UUID) -> str:
        """Return the path of a change: ``copy.messages/<id>``, ``form.dispositions/<id>``."""
        return attached_path(self.name, identity, of_form=self.of_form)


class RecordAccumulator(Generic[N]):
    """The neighbours of one kind as they were loaded and as they stand now."""

    def __init__(self, kind: RecordKind[N], loaded: Sequence[N] = ()) -> None:
        """Start from what was loaded."""
        self.kind = kind
        self.rows: dict[UUID, N] = {row.id: row for row in loaded}
        self._before: SnapshotAccumulator[N] = SnapshotAccumulator()
        self._added: SimpleAccumulator[UUID] = SimpleAccumulator()

    def add(self, row: N) -> None:
        """Let ``row`` stand where one of its id stood, or as a new one."""
        if self.kind.is_appended:
            self._added.add(row.id)
        else:
            self._before.add(str(row.id), lambda: self.rows.get(row.id))
        self.rows[row.id] = row

    def finalize(self) -> list[tuple[N | None, N]]:
        """Return each row that stands otherwise than it was loaded: before (None for a new one) and after."""
        added: list[tuple[N | None, N]] = [(None, self.rows[identity]) for identity in self._added.finalize()]
        changed = self._before.finalize(lambda identity: self.rows.get(UUID(identity)))
        return added + [(before, after) for _, before, after in changed if after is not None]

    def in_force(self) -> tuple[N, ...]:
        """Return the rows that a load would give now."""
        if self.kind.is_appended:
            return ()
        return tuple(row for row in self.rows.values() if self.kind.is_in_force(row))

    def post_process(self) -> list[Told]:
        """Return the events that follow from what changed."""
        return [told for before, after in self.finalize() for told in self.kind.tell(before, after)]


class RecordMutator(Generic[N]):
    """One neighbour. Stale after the save; what may be done with it are the methods of its subclass."""

    kind: ClassVar[RecordKind[Any]]

    def __init__(self, ledger: ChangeTracker, identity: UUID) -> None:
        """Made by the collection of its kind."""
        self._ledger = ledger
        self.id = identity
        self.path = self.kind.path(identity)

    @property
    def row(self) -> N:
        """Return the row as it stands."""
        self._ledger.require_open()
        row: N = self._ledger.neighbours[self.kind.name].rows[self.id]
        return row

    def _change(self, **values: object) -> None:
        self._ledger.require_writable()
        changed = msgspec.structs.replace(self.row, **values)
        if changed != self.row:
            self._ledger.put_neighbour(self.kind, changed)


M = TypeVar("M", bound=RecordMutator[Any])


class RecordCollection(Generic[N, M]):
    """All neighbours of one kind that are in force. Stale after the save."""

    mutator: ClassVar[type[RecordMutator[Any]]]

    def __init__(self, ledger: ChangeTracker) -> None:
        """Made by ``Changeset``."""
        self._ledger = ledger
        self._kind: RecordKind[N] = self.mutator.kind

    def __iter__(self) -> Iterator[M]:
        """Yield the mutators in the order the rows were made."""
        self._ledger.require_open()
        for identity in [row.id for row in self._in_force()]:
            yield self._opened(identity)

    def __len__(self) -> int:
        self._ledger.require_open()
        return len(self._in_force())

    def find(self, identity: UUID | str) -> M:
        """Return the mutator of the one with this id. Raises ``UnknownNeighbour``."""
        self._ledger.require_open()
        try:
            known = UUID(str(identity))
        except ValueError as error:
            raise UnknownNeighbour(self._kind.name, identity) from error
        if known not in self._accumulator.rows:
            raise UnknownNeighbour(self._kind.name, identity)
        return self._opened(known)

    def _in_force(self) -> list[N]:
        return [row for row in self._accumulator.rows.values() if self._kind.is_in_force(row)]

    @property
    def _accumulator(self) -> RecordAccumulator[N]:
        return self._ledger.neighbours[self._kind.name]

    def _put(self, row: N) -> M:
        self._ledger.require_writable()
        self._ledger.put_neighbour(self._kind, row)
        return self._opened(row.id)

    def _opened(self, identity: UUID) -> M:
        opened: Any = self.mutator(self._ledger, identity)
        made: M = opened
        return made
