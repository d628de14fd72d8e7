"""Many copies at once: locked, loaded and saved with one round trip each. One bad copy does not spoil the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from django.db import DatabaseError

from batch.changes.changeset import Changeset
from batch.context import BatchContext, Prepared
from batch.effects.after_commit import after_commit
from batch.errors import BatchError, LockNotAcquired, StaleChangeset
from batch.locks.locked_copy import LockedCopies
from batch.misuse import Misuse
from batch.storage.records import SaveResult
from batch.storage.write import write
from copies.codec import UnreadableDocument
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from tenants.models import Tenant

#: Lock and statement timeouts, a deadlock; besides wrong data (22) and violated constraints (23).
_REFUSALS: Final = frozenset({"55P03", "57014", "40P01"})
#: What can go wrong with one copy alone.
Fault: TypeAlias = BatchError | DatabaseError | UnreadableDocument | DecryptionFailed | KeyServiceUnavailable

#: More copies than this in one chunk hold their locks for too long.
MOST_COPIES: Final = 500


class ItemResult(msgspec.Struct, frozen=True):
    """What became of one copy of a chunk: its ``result``, or the ``error`` that it was refused with."""

    id: UUID
    result: SaveResult | None = None
    error: Fault | None = None


class Chunk:
    """Contexts of many copies. Those that could not be had are in ``errors`` by the id they were asked for."""

    def __init__(self, ids: Sequence[UUID], *, scope: Tenant, opened: LockedCopies) -> None:
        """Made by ``batch.service.find_and_lock_many``."""
        self._ids = list(dict.fromkeys(ids))
        self._scope = scope
        self._opened = opened
        self.contexts: dict[UUID, BatchContext] = {}
        self.errors: dict[UUID, Fault] = {}

    def __iter__(self) -> Iterator[BatchContext]:
        """Yield the contexts of the copies that nothing has gone wrong with, in the order asked for."""
        for identity in self._ids:
            if identity in self.contexts and identity not in self.errors:
                yield self.contexts[identity]

    def apply(self, change: Callable[[Changeset], object]) -> None:
        """Carry out ``change`` on every copy; one that refuses it goes to ``errors``, the others go on."""
        for identity in self._ids:
            if identity in self.contexts and identity not in self.errors:
                with self._noting(identity):
                    change(self.contexts[identity].changeset)

    def save(self) -> list[ItemResult]:
        """Decide each copy and write all in one transaction; return what became of each, in the order asked for.

        A copy that was changed meanwhile, or that the rules refuse, is reported and left out. Where the database
        refuses the whole, each is written by itself, so that only the one at fault is left out. Raises
        ``DatabaseError`` where the database went away: then nobody knows what was saved; load the copies again.
        """
        prepared: dict[UUID, Prepared] = {}
        for identity in self._ids:
            if identity in self.contexts and identity not in self.errors:
                self._prepare(identity, prepared)
        self._opened.extend()
        to_write = {identity: ready for identity, ready in prepared.items() if ready.save is not None}
        saved = self._write(list(to_write.values()))
        results = {}
        for identity, ready in prepared.items():
            context = self.contexts[identity]
            if identity in to_write and context.copy.id not in saved:
                self.errors.setdefault(identity, StaleChangeset())
            if identity in self.errors:
                context.fail()
            else:
                results[identity] = context.settle(ready)
        done = ((self.contexts[identity], result) for identity, result in results.items())
        after_commit([(context.copy, context.setting, result) for context, result in done])
        return [ItemResult(identity, results.get(identity), self.errors.get(identity)) for identity in self._ids]

    def close(self) -> None:
        """End the contexts' lives."""
        for context in self.contexts.values():
            context.close()

    def _prepare(self, identity: UUID, prepared: dict[UUID, Prepared]) -> None:
        context = self.contexts[identity]
        with self._noting(identity), context.saving():
            prepared[identity] = context.prepare()

    def _write(self, prepared: Sequence[Prepared]) -> set[UUID]:
        """Write what is ``prepared``; return the ids of the copies that were saved."""
        saves = [ready.save for ready in prepared if ready.save is not None]
        # Of two copies that change what their form's copies share, the later one would be stale anyway.
        first_of_form = {save.application_form_id: save.copy_id for save in reversed(saves) if save.form is not None}
        saves = [save for save in saves if save.form is None or first_of_form[save.application_form_id] == save.copy_id]
        if not saves:
            return set()
        try:
            return write(saves, None, scope=self._scope)
        except DatabaseError as error:
            # Another fault may have come after the commit: then nobody knows, and nothing is told as refused.
            if not _is_refusal(error):
                raise
        written: set[UUID] = set()
        for number, save in enumerate(saves):
            if number % 20 == 0:
                self._opened.extend()
            try:
                written |= write([save], None, scope=self._scope)
            except DatabaseError as error:
                if not _is_refusal(error):
                    raise
                self._note(save.copy_id, error)
            except LockNotAcquired as error:
                self._note(save.copy_id, error)
        return written

    @contextmanager
    def _noting(self, identity: UUID) -> Iterator[None]:
        """Note what goes wrong with one copy and go on with the others; a misuse of the batch is the caller's bug."""
        try:
            yield
        except Misuse:
            raise
        except (BatchError, UnreadableDocument, DecryptionFailed, KeyServiceUnavailable) as error:
            self.errors[identity] = error

    def _note(self, copy_id: UUID, error: Fault) -> None:
        for identity, context in self.contexts.items():
            if context.copy.id == copy_id:
                self.errors[identity] = error


def _is_refusal(error: DatabaseError) -> bool:
    """Tell whether PostgreSQL answered that it refuses the statement, so that nothing of it was written."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return state[:2] in ("22", "23") or state in _REFUSALS
