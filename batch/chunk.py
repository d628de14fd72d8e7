"""Many copies at once: locked, loaded and saved with one round trip each. A fault of one copy spoils no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import UUID

import msgspec

from batch.callbacks import call_before_save
from batch.changes.changeset import Changeset
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.locks.locked_copy import LockedCopies
from batch.save import Companion, Fault, UnitOfWork, refusing, save

#: More copies than this in one chunk hold their locks for too long.
MOST_COPIES: Final = 500


class ItemResult(msgspec.Struct, frozen=True):
    """The end of one copy of a chunk: the ``result`` of its save, or the ``error`` that refused it."""

    id: UUID
    result: SaveResult | None = None
    error: Fault | None = None


class Chunk:
    """Contexts of many copies. Copies that failed are in ``errors``, by requested id."""

    def __init__(self, ids: Sequence[UUID], *, locked: LockedCopies | None) -> None:
        """Made by ``batch.service``: ``find_and_lock_many``, and ``build_many`` whose copies nobody else can lock."""
        self._ids = list(dict.fromkeys(ids))
        self._locked = locked
        self.contexts: dict[UUID, BatchContext] = {}
        self.errors: dict[UUID, Fault] = {}

    def __iter__(self) -> Iterator[BatchContext]:
        """Yield the contexts of the copies without an error, in the order requested."""
        for identity in self._ids:
            if identity in self.contexts and identity not in self.errors:
                yield self.contexts[identity]

    def apply(self, change: Callable[[Changeset], object]) -> None:
        """Apply ``change`` to every copy; a copy that refuses it is put into ``errors``, the others go on."""
        self.apply_each(lambda _, context: change(context.changeset))

    def apply_each(self, change: Callable[[UUID, BatchContext], object]) -> None:
        """Apply ``change``, which gets the requested id, to every copy as ``apply`` does."""
        for identity in self._ids:
            if identity in self.contexts and identity not in self.errors:
                context = self.contexts[identity]
                with refusing(context, self._refuse):
                    change(identity, context)

    def check(self) -> None:
        """Call the callbacks that refuse saves, before anything is saved; copies that they refuse are put into
        ``errors``.
        """
        for context in list(self):
            with refusing(context, self._refuse):
                call_before_save(context.changeset, context.loaded)

    def save(self, *, companion: Companion | None = None) -> list[ItemResult]:
        """Save all copies in one transaction; return the end of each, in the order requested.

        A copy that was changed meanwhile, or that the rules refuse, is reported and left out. Where the database
        refuses the whole, each is written by itself, so that only those at fault are left out. Raises ``DatabaseError``
        where the connection was lost: then it is unknown what was saved; load the copies again.

        The ``companion`` is called in the transaction with the results of the copies that were written, by requested
        id: what it writes is stored with them or not at all. It is called once for each transaction.
        """
        contexts = list(self)
        for context in contexts:
            context.require_savable()
        results = save(contexts, locks=self._locked, refuse=self._fail, companion=self._by_requested(companion))
        saved = {identity: results.get(context.copy.id) for identity, context in self.contexts.items()}
        return [ItemResult(identity, saved.get(identity), self.errors.get(identity)) for identity in self._ids]

    def close(self) -> None:
        """Close all contexts."""
        for context in self.contexts.values():
            context.close()

    def _by_requested(self, companion: Companion | None) -> Companion | None:
        if companion is None:
            return None
        requested = {context.copy.id: identity for identity, context in self.contexts.items()}
        return lambda saved: companion({requested[copy_id]: result for copy_id, result in saved.items()})

    def _fail(self, unit: UnitOfWork, fault: Fault) -> None:
        self._refuse(unit, fault)
        unit.fail()

    def _refuse(self, unit: UnitOfWork, fault: Fault) -> None:
        self.errors |= {identity: fault for identity, context in self.contexts.items() if context is unit}
