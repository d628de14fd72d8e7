"""The batch context: one copy, loaded under its lock, changed in memory, decided once and saved as a whole.

Made by the entry points in ``batch.service``; belongs to the thread that opened it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from uuid import UUID

import msgspec
import structlog

from batch.changes.attached import AttachedRecord
from batch.changes.changeset import Changeset, Holding, Mode
from batch.changes.decision import decide
from batch.effects.after_commit import after_commit
from batch.errors import StaleChangeset
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.locks.holds import hold_copy
from batch.locks.locked_copy import LockedCopy
from batch.memo import Memo
from batch.misuse import (
    AlreadyAnswered,
    ContextClosed,
    ContextIsReleased,
    ContextWithoutLock,
    NestedSave,
    UnsavedChanges,
    WrongThread,
)
from batch.save import conclude
from batch.storage.load import CopyRecord, FormRecord, Loaded
from batch.storage.records import SaveResult, Setting
from batch.storage.rows import Work, assemble
from batch.storage.write import KeyedResponse, Save, write
from catalogue.releases import CompiledRelease
from copies.codec import decode, decode_document
from copies.document import Document
from copies.sealed_answers import Sealer
from failpoints import failpoint
from rules.flow.evaluation import Evaluation

log = structlog.get_logger(__name__)


class Phase(Enum):
    """Where a context stands in its life."""

    OPEN = "open"
    SAVING = "saving"
    SAVED = "saved"
    FAILED = "failed"
    RELEASED = "released"
    CLOSED = "closed"


class Prepared(msgspec.Struct, frozen=True):
    """A save that is decided and put together but not written yet; ``save`` is None where nothing changed."""

    changeset: Changeset
    result: SaveResult
    save: Save | None
    keyed: KeyedResponse | None


class BatchContext:
    """The unit of work on one copy. ``with`` frees its lock; an error on the way leaves everything as it was."""

    def __init__(
        self,
        loaded: Loaded,
        set_up: Callable[[Loaded], Setting],
        *,
        opening: LockedCopy | None = None,
        writable: bool,
        idempotency: IdempotencyKey | None = None,
    ) -> None:
        """Made by ``batch.service``; ``set_up`` gives the setting of each load.

        ``writable`` ones hold their lock (``opening``), or are of a copy that nobody else knows yet.
        """
        self.memo = Memo()
        self._set_up = set_up
        self._opening = opening
        self._writable = writable
        self._idempotency = idempotency
        self._thread = threading.get_ident()
        self._take(loaded)

    def _take(self, loaded: Loaded) -> None:
        self._loaded = loaded
        # Anew with every load: release, day and time may have moved on while the lock was given up.
        self.setting = self._set_up(loaded)
        self._phase = Phase.OPEN
        self._sealer = Sealer(tenant_id=self.setting.scope.id, copy_id=loaded.copy.id, key=loaded.copy.key)
        self._changeset: Changeset | None = None
        self._evaluation: Evaluation | None = None

    @property
    def form(self) -> FormRecord:
        """Return the application form as loaded, or saved last."""
        return self._loaded.form

    @property
    def copy(self) -> CopyRecord:
        """Return the copy as loaded, or saved last."""
        return self._loaded.copy

    @property
    def stored_response(self) -> StoredResponse | None:
        """Return the answer to this keyed request where it was answered before."""
        return self._loaded.stored_response

    @property
    def version(self) -> int:
        """Return the version that was loaded, or saved last; 0 for a copy not yet saved."""
        return self.copy.version

    @property
    def release(self) -> CompiledRelease:
        """Return the release that decides here."""
        return self.setting.release

    @property
    def neighbours(self) -> Mapping[str, tuple[AttachedRecord, ...]]:
        """Return the rows beside the document that are in force, by kind, as loaded or saved last."""
        return {name: rows for name, rows in self._loaded.neighbours.items() if rows}

    @property
    def is_without_lock(self) -> bool:
        """Tell whether the copy's lock is not held though it should be: Redis is away, or the lock ran out."""
        return self._opening is not None and self._opening.is_degraded

    @property
    def changeset(self) -> Changeset:
        """Return the changeset to work on; after a save the next one.

        Raises ``ContextClosed``, ``ContextIsReleased``, ``WrongThread``.
        """
        self._require(Phase.OPEN, Phase.SAVING, Phase.SAVED)
        if self._changeset is None or self._changeset.mode is Mode.STALE:
            self._changeset = self._new_changeset()
            self._phase = Phase.OPEN
        return self._changeset

    @property
    def evaluation(self) -> Evaluation:
        """Return what the rules concluded when the copy was saved last."""
        if self._evaluation is None:
            nothing = Evaluation(release=self.release.id, as_of=self.setting.as_of)
            self._evaluation = decode(self.copy.evaluation, Evaluation) if self.copy.evaluation else nothing
        return self._evaluation

    def read_only_changeset(self) -> Changeset:
        """Return a changeset of what was loaded that refuses every write."""
        return self._new_changeset(Mode.READ_ONLY)

    @property
    def is_decided_as_saved(self) -> bool:
        """Tell whether the saved evaluation is that of today and of the current release."""
        return (self.evaluation.release, self.evaluation.as_of) == (self.release.id, self.setting.as_of)

    def as_it_stands(self) -> tuple[Changeset, Evaluation]:
        """Return the copy for reading and what the rules conclude of it now: as saved, or decided afresh where the
        evaluation date or the release has moved on. Writes nothing.
        """
        if self.is_decided_as_saved:
            return self.read_only_changeset(), self.evaluation
        changeset = self._new_changeset()
        evaluation = decide(changeset, release=self.release.id, as_of=self.setting.as_of)
        changeset.mode = Mode.READ_ONLY
        return changeset, evaluation

    def save(self, *, respond: Callable[[SaveResult], StoredResponse] | None = None) -> SaveResult:
        """Decide once, then write document, revision, rows, actions and keyed answer in one transaction.

        ``respond`` makes the caller's answer before anything is written; with an idempotency key it is stored under it.
        Nothing changed = nothing written and no version step.
        Raises ``InvalidAnswers``, ``StaleChangeset``, ``CopyIsLocked``, ``CopyIsDeleted`` and the misuse errors; then
        nothing was written.
        """
        with self.saving():
            prepared = self.prepare(respond)
            if self._opening is not None:
                self._opening.extend()
            failpoint("lock_extended")
            if prepared.save is not None or prepared.keyed is not None:
                saves = [prepared.save] if prepared.save is not None else []
                if len(write(saves, prepared.keyed, scope=self.setting.scope)) < len(saves):
                    raise StaleChangeset
            failpoint("written")
            result = self.settle(prepared)
        after_commit([(self.copy, self.setting, result)])
        return result

    def preview(self) -> SaveResult:
        """Decide as ``save`` would and tell what it would do; write nothing. The changeset is stale afterwards."""
        changeset = self.changeset
        try:
            return self._decide(changeset)
        finally:
            self._end(Phase.CLOSED)

    @contextmanager
    def released(self, *, process: UUID | None = None, hold: float = 60.0) -> Iterator[None]:
        """Give the lock up to call a third party inside the block, then lock and load anew.

        The copy may be another version afterwards: take ``context.changeset`` again. With ``process``, a running one
        that was saved, the copy is not cloned meanwhile, for at most ``hold`` seconds (300 at most).
        An error in the block passes on when the copy is locked and loaded anew. Raises ``UnsavedChanges``,
        ``HoldTooLong``, ``NoRunningProcess``, and afterwards what ``find_and_lock`` raises.
        """
        self._require(Phase.OPEN, Phase.SAVED)
        opening = self._opening
        if opening is None:
            raise ContextWithoutLock
        if self._changeset is not None and self._changeset.mode is Mode.WRITABLE and self._changeset.changes():
            raise UnsavedChanges
        try:
            with hold_copy(process, copy_id=self.copy.id, seconds=hold, scope=self.setting.scope):
                self._end(Phase.RELEASED)
                opening.close()
                yield
        finally:
            # Also after an error in the block: whoever catches it can note that the process failed.
            if self._phase is Phase.RELEASED:
                self._phase = Phase.CLOSED  # should locking or loading fail
                self._take(opening.open())

    def close(self) -> None:
        """End the context's life; its changeset and mutators are stale."""
        self._end(Phase.CLOSED)

    # The steps of a save, in their order; a chunk takes them for each of its copies

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Enclose a save: refuse another one inside, and end the context's life where it fails."""
        if self._phase is Phase.SAVING:
            raise NestedSave
        self._require(Phase.OPEN, Phase.SAVED)
        if not self._writable:
            raise ContextWithoutLock
        if self.stored_response is not None:
            raise AlreadyAnswered
        try:
            yield
        except BaseException:
            self.fail()
            raise

    def prepare(self, respond: Callable[[SaveResult], StoredResponse] | None = None) -> Prepared:
        """Decide and put together what is to be written; write nothing."""
        changeset = self.changeset
        self._phase = Phase.SAVING
        failpoint("before_save")
        result = self._decide(changeset)
        # What is decided is what is written: whoever makes the answer only looks.
        changeset.mode = Mode.READ_ONLY
        response = respond(result) if respond else None
        failpoint("responded")
        keyed = KeyedResponse(self._idempotency, response) if response and self._idempotency else None
        save = assemble(self._work(changeset, result)) if result.written else None
        failpoint("assembled")
        return Prepared(changeset, result, save, keyed)

    def settle(self, prepared: Prepared) -> SaveResult:
        """Take the saved state as the present one; the changeset is stale from here on."""
        result, save, changeset = prepared.result, prepared.save, prepared.changeset
        if save is not None:
            self._move_on(changeset, result, save)
        failpoint("moved_on")
        log.info("saved", copy=str(self.copy.id), version=result.version, changes=len(result.changes))
        self._end(Phase.SAVED)
        return result

    def fail(self) -> None:
        """End the context's life because its save failed."""
        self._end(Phase.FAILED)

    def _decide(self, changeset: Changeset) -> SaveResult:
        return conclude(changeset, loaded=self._loaded, before=self.evaluation, setting=self.setting)

    def _work(self, changeset: Changeset, result: SaveResult) -> Work:
        return Work(
            form=self.form,
            copy=self.copy,
            setting=self.setting,
            changeset=changeset,
            key=self._sealer.key,
            before=self.evaluation,
            result=result,
        )

    def _move_on(self, changeset: Changeset, result: SaveResult, save: Save) -> None:
        self._evaluation = result.evaluation
        self.memo.saves += 1
        self._loaded = msgspec.structs.replace(
            self._loaded,
            form=msgspec.structs.replace(
                self.form, fields=changeset.form_fields, version=self.form.version + (save.form is not None)
            ),
            copy=msgspec.structs.replace(
                self.copy,
                version=result.version,
                fields=changeset.copy_fields,
                document=save.document,
                evaluation=save.evaluation,
                release_id=self.release.id,
                last_touched_by_user_at=save.copy["last_touched_by_user_at"],
                updated_at=self.setting.now,
                key=self._sealer.key,
            ),
            neighbours={name: accumulator.in_force() for name, accumulator in changeset.neighbours.items()},
        )

    # What the steps use

    def _new_changeset(self, mode: Mode = Mode.WRITABLE) -> Changeset:
        return Changeset(
            Holding(
                document=decode_document(self.copy.document) if self.copy.document else Document(),
                copy_fields=self.copy.fields,
                form_fields=self.form.fields,
                neighbours=self._loaded.neighbours,
                version=self.version,
            ),
            catalogue=self.release.compiled,
            sealing=self._sealer,
            origin=self.setting.origin,
            mode=mode,
        )

    def _require(self, *phases: Phase) -> None:
        if threading.get_ident() != self._thread:
            raise WrongThread
        if self._phase is Phase.RELEASED:
            raise ContextIsReleased
        if self._phase not in phases:
            raise ContextClosed

    def _end(self, phase: Phase) -> None:
        if self._changeset is not None:
            self._changeset.close()
        self._phase = phase
