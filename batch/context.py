"""The batch context: one copy, loaded under its lock, changed in memory, decided once and saved as a whole.

Made by the entry points in ``batch.service``; belongs to the thread that opened it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from enum import Enum
from uuid import UUID

import structlog
from msgspec.structs import replace

from batch.changes.attached import AttachedRecord
from batch.changes.changeset import Changeset, Mode
from batch.changes.decision import decide
from batch.changes.quote_staleness import mark_stale_quotes
from batch.changes.records import (
    CopyRecord,
    FormRecord,
    Loaded,
    PlannedSave,
    Release,
    SaveContext,
    SaveResult,
    SaveRows,
)
from batch.changes.shared_work import SharedWork
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.locks.holds import hold_copy
from batch.locks.locked_copy import LockedCopy
from batch.misuse import (
    AlreadyAnswered,
    ContextClosed,
    ContextIsUnlocked,
    ContextWithoutLock,
    NestedSave,
    UnsavedChanges,
    WrongThread,
)
from batch.save import Companion, Respond, save
from batch.save_context import CurrentRelease, save_context_for
from catalogue import releases
from copies.codec import decode, decode_document
from copies.document import Document
from copies.sealed_answers import Sealer
from redis_locks.shared_trip import using
from rules.flow.evaluation import Evaluation
from tenants.access import Actor
from tenants.models import Tenant

log = structlog.get_logger(__name__)


class Phase(Enum):
    """The phases of a context's life."""

    OPEN = "open"
    SAVING = "saving"
    SAVED = "saved"
    FAILED = "failed"
    UNLOCKED = "unlocked"
    CLOSED = "closed"


class BatchContext:
    """The unit of work on one copy. ``with`` releases its lock; after an error nothing has changed."""

    def __init__(  # noqa: PLR0913 - each is named at the call
        self,
        loaded: Loaded,
        *,
        scope: Tenant,
        actor: Actor,
        writable: bool,
        locked: LockedCopy | None = None,
        idempotency: IdempotencyKey | None = None,
        current_release: CurrentRelease | None = None,
        shared: SharedWork | None = None,
    ) -> None:
        """Made by ``batch.service``. ``writable`` contexts hold their lock (``locked``), or belong to a new copy, which
        no other caller knows. The contexts of a chunk share their ``current_release`` and ``shared`` work. Raises
        ``UnknownCatalogue``.
        """
        self.scope = scope
        self.idempotency = idempotency
        self._actor = actor
        self._locked = locked
        self._writable = writable
        self._shared = shared
        self._thread = threading.get_ident()
        self._take(loaded, current_release)

    def _take(self, loaded: Loaded, current_release: CurrentRelease | None = None) -> None:
        self.loaded = loaded
        # Made with every load: release, day and time may have changed while the copy was unlocked.
        with using(self._locked.trip if self._locked is not None else None):
            self.save_context: SaveContext = save_context_for(
                loaded, scope=self.scope, actor=self._actor, current_release=current_release
            )
        self.sealer = Sealer(tenant_id=self.scope.id, copy_id=loaded.copy.id, key=loaded.copy.key)
        self._phase = Phase.OPEN
        self._changeset: Changeset | None = None
        self._evaluation: Evaluation | None = None

    @property
    def form(self) -> FormRecord:
        """Return the application form as loaded, or saved last."""
        return self.loaded.form

    @property
    def copy(self) -> CopyRecord:
        """Return the copy as loaded, or saved last."""
        return self.loaded.copy

    @property
    def stored_response(self) -> StoredResponse | None:
        """Return the response to this keyed request if it was answered before."""
        return self.loaded.stored_response

    @property
    def version(self) -> int:
        """Return the version that was loaded, or saved last; 0 for a new copy."""
        return self.copy.version

    @property
    def release(self) -> Release:
        """Return the release that decides here."""
        return self.save_context.release

    @property
    def attached(self) -> Mapping[str, tuple[AttachedRecord, ...]]:
        """Return the attached records in force, by kind, as loaded or saved last."""
        return {name: rows for name, rows in self.loaded.attached.items() if rows}

    @property
    def is_read_only(self) -> bool:
        """Return whether the context was loaded to be read, so it cannot save."""
        return not self._writable

    @property
    def is_without_lock(self) -> bool:
        """Return whether the copy's lock should be held and is not: Redis is away, or the lock expired."""
        return self._locked is not None and self._locked.is_degraded

    @property
    def changeset(self) -> Changeset:
        """Return the changeset to work on; after a save the next one.

        Raises ``ContextClosed``, ``ContextIsUnlocked``, ``WrongThread``.
        """
        self._require(Phase.OPEN, Phase.SAVING, Phase.SAVED)
        if self._changeset is None or self._changeset.mode is Mode.STALE:
            self._changeset = self._new_changeset()
            self._phase = Phase.OPEN
        return self._changeset

    @property
    def evaluation(self) -> Evaluation:
        """Return the evaluation of the copy as loaded, or saved last."""
        if self._evaluation is None:
            nothing = Evaluation(release=self.release.id, as_of=self.save_context.as_of)
            stored = decode(self.copy.evaluation, Evaluation) if self.copy.evaluation else nothing
            self._evaluation = self._as_marked(stored)
        return self._evaluation

    def _as_marked(self, stored: Evaluation) -> Evaluation:
        """Return the ``stored`` evaluation with the release and day that lead to it now."""
        decided = self.copy.decided
        if decided.release_id is None or self.loaded.is_past:
            return stored
        day = decided.day or stored.as_of
        if not self.loaded.keeps_decision and decided.is_of(self.release.id, self.save_context.as_of):
            day = self.save_context.as_of
        return replace(stored, release=decided.release_id, as_of=day, edition=decided.edition)

    def read_only_changeset(self) -> Changeset:
        """Return a changeset of the copy as loaded that refuses every write."""
        # What keeps its decision keeps the codes of that release too.
        kept = replace(self.save_context, renames=()) if self.loaded.keeps_decision else None
        return self._new_changeset(Mode.READ_ONLY, context=kept)

    def changeset_of_current_release(self) -> Changeset:
        """Return a changeset of the copy as loaded that refuses every write, with the codes of the current release even
        where the copy keeps an older decision.
        """
        return self._new_changeset(Mode.READ_ONLY)

    @property
    def is_evaluation_current(self) -> bool:
        """Return whether the saved evaluation is the present one: of today and of the current release, or kept."""
        is_present = self.copy.decided.is_of(self.release.id, self.save_context.as_of)
        return self.loaded.keeps_decision or is_present

    @property
    def decision_release(self) -> Release:
        """Return the release of the decision that readers are shown: the current one, or that of a kept decision."""
        if self.loaded.keeps_decision and self.evaluation.release != self.release.id:
            return releases.get(self.evaluation.release)
        return self.release

    @property
    def decision_day(self) -> date:
        """Return the evaluation date of the decision that readers are shown: today's unless it is kept."""
        return self.evaluation.as_of if self.loaded.keeps_decision else self.save_context.as_of

    def current_view(self) -> tuple[Changeset, Evaluation]:
        """Return the copy for reading with its present evaluation: the saved one, or a new one where the evaluation
        date or the release has moved on. A locked, deleted or bound copy keeps its decision. Writes nothing.
        """
        if self.is_evaluation_current:
            return self.read_only_changeset(), self.evaluation
        # Nothing was saved at this moment: two reads of the same decision must not differ in their times.
        changeset = self._new_changeset(context=replace(self.save_context, now=self.copy.updated_at))
        evaluation = decide(changeset)
        mark_stale_quotes(changeset, (), before=self.evaluation, after=evaluation)
        changeset.freeze()
        return changeset, evaluation

    def save(self, *, respond: Respond | None = None, companion: Companion | None = None) -> SaveResult:
        """Decide once, then write document, revision, rows, actions and keyed response in one transaction.

        ``respond`` builds the caller's response before anything is written; with an idempotency key it is stored.
        The ``companion`` is called in the transaction with the result by copy, if the copy is written.
        Where nothing changed, nothing is written and the version stays.
        Raises ``InvalidAnswers``, ``StaleChangeset``, ``CopyIsLocked``, ``CopyIsDeleted`` and the misuse errors; then
        nothing was written.
        """
        self.require_savable()
        return save([self], locks=self._locked, respond=respond, companion=companion)[self.copy.id]

    def preview(self) -> SaveResult:
        """Return the result that ``save`` would have; write nothing. The context is closed afterwards."""
        try:
            return save([self], is_dry_run=True)[self.copy.id]
        finally:
            self._end(Phase.CLOSED)

    @contextmanager
    def unlocked(self, *, process: UUID | None = None, hold: float = 60.0) -> Iterator[None]:
        """Release the lock to call a third party inside the block, then lock and load again.

        The copy may have another version afterwards: take ``context.changeset`` again. With ``process``, a running
        process that was saved, the copy is not cloned meanwhile, for at most ``hold`` seconds (300 at most).
        An error in the block is raised after the copy was locked and loaded again. Raises ``UnsavedChanges``,
        ``HoldTooLong``, ``NoRunningProcess``, and afterwards the errors of ``find_and_lock``.
        """
        self._require(Phase.OPEN, Phase.SAVED)
        locked = self._locked
        if locked is None:
            raise ContextWithoutLock
        if self._changeset is not None and self._changeset.mode is Mode.WRITABLE and self._changeset.own_changes():
            raise UnsavedChanges
        try:
            with hold_copy(process, copy_id=self.copy.id, seconds=hold, scope=self.scope):
                self._end(Phase.UNLOCKED)
                locked.close()
                yield
        finally:
            # Also after an error in the block: the caller may catch it and note that the process failed.
            if self._phase is Phase.UNLOCKED:
                self._phase = Phase.CLOSED  # should locking or loading fail
                self._take(locked.open())

    def close(self) -> None:
        """End the context's life; its changeset and mutators are stale."""
        self._end(Phase.CLOSED)

    # For the save, of this copy alone or in a chunk

    def require_savable(self) -> None:
        """Raise the misuse that a save would be here, if any: nested, without the lock, of an answered request."""
        if self._phase is Phase.SAVING:
            raise NestedSave
        self._require(Phase.OPEN, Phase.SAVED)
        if not self._writable:
            raise ContextWithoutLock
        if self.stored_response is not None:
            raise AlreadyAnswered

    def begin_save(self) -> Changeset:
        """Enter the phase of saving; return the changes to save."""
        changeset = self.changeset
        self._phase = Phase.SAVING
        return changeset

    def move_on(self, planned: PlannedSave) -> None:
        """Make the saved state the present one; the changeset is stale afterwards."""
        result, changeset = planned.result, self._changeset
        if planned.rows is not None and changeset is not None:
            self._evaluation = result.evaluation
            self.loaded = self._saved(changeset, planned.rows, result)
        log.info("saved", copy=str(self.copy.id), version=result.version, changes=len(result.changes))
        self._end(Phase.SAVED)

    def fail(self) -> None:
        """End the context's life because its save failed."""
        self._end(Phase.FAILED)

    def _saved(self, changeset: Changeset, rows: SaveRows, result: SaveResult) -> Loaded:
        """Return the copy as a load would now."""
        form = replace(self.form, fields=changeset.form_fields, version=self.form.version + (rows.form is not None))
        copy = replace(
            self.copy,
            version=result.version,
            fields=changeset.copy_fields,
            document=rows.document,
            evaluation=rows.evaluation,
            decided=rows.decided,
            release_id=result.evaluation.release,
            chain=rows.chain,
            last_touched_by_user_at=rows.copy["last_touched_by_user_at"],
            updated_at=self.save_context.now,
            key=self.sealer.key,
        )
        attached = {name: accumulator.in_force() for name, accumulator in changeset.tracker.attached.items()}
        return replace(self.loaded, form=form, copy=copy, attached=attached)

    def _new_changeset(self, mode: Mode = Mode.WRITABLE, *, context: SaveContext | None = None) -> Changeset:
        return Changeset(
            decode_document(self.copy.document) if self.copy.document else Document(),
            loaded=self.loaded,
            context=context or self.save_context,
            sealing=self.sealer,
            mode=mode,
            shared=self._shared,
        )

    def _require(self, *phases: Phase) -> None:
        if threading.get_ident() != self._thread:
            raise WrongThread
        if self._phase is Phase.UNLOCKED:
            raise ContextIsUnlocked
        if self._phase not in phases:
            raise ContextClosed

    def _end(self, phase: Phase) -> None:
        if self._changeset is not None:
            self._changeset.close()
        self._phase = phase
