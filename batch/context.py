"""The batch context: one copy, loaded under its lock, changed in memory, decided once and saved as a whole.

Made by the entry points in ``batch.service``; belongs to the thread that opened it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum

import msgspec
import structlog

from batch.announcing import announce
from batch.assembling import Work, assemble
from batch.changeset import Changeset, Mode, Origin
from batch.deciding import decide
from batch.errors import ContextClosed, ContextWithoutLock, CopyIsDeleted, CopyIsLocked, NestedSave, WrongThread
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.loading import CopyRecord, FormRecord, Loaded
from batch.locking import CopyLock
from batch.saving import KeyedResponse, Save, write
from batch.setting import SaveResult, Setting
from copies.codec import decode, decode_document
from copies.document import Document
from copies.sealing import Sealer
from forms.catalogue.releases import CompiledRelease
from forms.rules.evaluation import Evaluation, ProductOutcome
from tenants.failpoints import reach

log = structlog.get_logger(__name__)


class Phase(Enum):
    """Where a context stands in its life."""

    OPEN = "open"
    SAVING = "saving"
    SAVED = "saved"
    FAILED = "failed"
    RELEASED = "released"


class BatchContext:
    """The unit of work on one copy. ``with`` frees its lock; an error on the way leaves everything as it was."""

    def __init__(
        self,
        loaded: Loaded,
        setting: Setting,
        *,
        lock: CopyLock | None,
        writable: bool,
        idempotency: IdempotencyKey | None = None,
    ) -> None:
        """Made by ``batch.service``.

        ``writable`` ones hold the ``lock``, or are of a copy that nobody else knows yet.
        """
        self.form: FormRecord = loaded.form
        self.copy: CopyRecord = loaded.copy
        self.stored_response: StoredResponse | None = loaded.stored_response
        self.setting = setting
        self._lock = lock
        self._writable = writable
        self._idempotency = idempotency
        self._thread = threading.get_ident()
        self._phase = Phase.OPEN
        self._sealer = Sealer(tenant_id=setting.scope.id, copy_id=loaded.copy.id, key=loaded.copy.key)
        self._changeset: Changeset | None = None
        self._evaluation: Evaluation | None = None

    @property
    def version(self) -> int:
        """Return the version that was loaded, or saved last; 0 for a copy not yet saved."""
        return self.copy.version

    @property
    def release(self) -> CompiledRelease:
        """Return the release that decides here."""
        return self.setting.release

    @property
    def changeset(self) -> Changeset:
        """Return the changeset to work on; after a save the next one. Raises ``ContextClosed``, ``WrongThread``."""
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
        if self._phase is Phase.SAVING:
            raise NestedSave
        changeset = self.changeset
        if not self._writable:
            raise ContextWithoutLock
        self._phase = Phase.SAVING
        try:
            reach("before_save")
            result = self._decide(changeset)
            response = respond(result) if respond else None
            reach("responded")
            keyed = KeyedResponse(self._idempotency, response) if response and self._idempotency else None
            save = assemble(self._work(changeset, result)) if result.written else None
            reach("assembled")
            if self._lock is not None:
                self._lock.extend()
            reach("lock_extended")
            if save is not None or keyed is not None:
                write(save, keyed, scope=self.setting.scope, now=self.setting.now)
            reach("written")
        except BaseException:
            self._end(Phase.FAILED)
            raise
        if save is not None:
            self._move_on(changeset, result, save)
        reach("moved_on")
        reach("hint_sending")
        reach("hint_sent")
        log.info("saved", copy=str(self.copy.id), version=result.version, changes=len(result.changes))
        self._end(Phase.SAVED)
        return result

    def preview(self) -> SaveResult:
        """Decide as ``save`` would and tell what it would do; write nothing. The changeset is stale afterwards."""
        changeset = self.changeset
        try:
            return self._decide(changeset)
        finally:
            self._end(Phase.RELEASED)

    def close(self) -> None:
        """End the context's life; its changeset and mutators are stale."""
        self._end(Phase.RELEASED)

    # The steps of a save, in their order

    def _decide(self, changeset: Changeset) -> SaveResult:
        self._require_changeable(changeset)
        evaluation = decide(changeset, release=self.release.id, as_of=self.setting.as_of)
        reach("rules_fired")
        changes = changeset.changes()
        reach("compared")
        moved = _moved(self.evaluation, evaluation)
        written = bool(changes) or not _same(self.evaluation, evaluation) or self.version == 0
        version = self.version + 1 if written else self.version
        actions = announce(
            changeset.catalogue,
            copy_id=self.copy.id,
            version=version,
            created=self.setting.created if self.version == 0 else "",
            changes=changes,
            moved=moved,
        )
        reach("announced")
        return SaveResult(version, changes, evaluation, moved, actions if written else [], written)

    def _require_changeable(self, changeset: Changeset) -> None:
        before, after = self.copy.fields, changeset.copy_fields
        if before.deleted_at and after.deleted_at:
            raise CopyIsDeleted
        if before.locked_at and after.locked_at:
            raise CopyIsLocked

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
        self.copy = msgspec.structs.replace(
            self.copy,
            version=result.version,
            fields=changeset.copy_fields,
            document=save.columns["document"],
            evaluation=save.columns["evaluation"],
            release_id=self.release.id,
            last_touched_by_user_at=save.columns["last_touched_by_user_at"],
            updated_at=self.setting.now,
            key=self._sealer.key,
        )

    # What the steps use

    def _new_changeset(self, mode: Mode = Mode.WRITABLE) -> Changeset:
        return Changeset(
            document=decode_document(self.copy.document) if self.copy.document else Document(),
            copy_fields=self.copy.fields,
            catalogue=self.release.compiled,
            sealing=self._sealer,
            origin=Origin(by=self.setting.actor_as_answerer, now=self.setting.now),
            mode=mode,
        )

    def _require(self, *phases: Phase) -> None:
        if threading.get_ident() != self._thread:
            raise WrongThread
        if self._phase not in phases:
            raise ContextClosed

    def _end(self, phase: Phase) -> None:
        if self._changeset is not None:
            self._changeset.close()
        self._phase = phase


def _moved(before: Evaluation, after: Evaluation) -> dict[str, ProductOutcome | None]:
    codes = [*after.eligibility, *(code for code in before.eligibility if code not in after.eligibility)]
    return {
        code: after.eligibility.get(code)
        for code in codes
        if before.eligibility.get(code) != after.eligibility.get(code)
    }


def _same(before: Evaluation, after: Evaluation) -> bool:
    """Tell whether two evaluations conclude the same, whatever their release and date."""
    return (before.eligibility, before.needed, before.messages) == (after.eligibility, after.needed, after.messages)
