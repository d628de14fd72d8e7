"""The order of work of a save, for one copy and for a chunk alike. Each step is in the module that bears its name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from django.db import DatabaseError
from msgspec.structs import replace

from batch.callbacks import call_before_save, call_on_create
from batch.changes.changeset import Changeset
from batch.changes.consents import keep_consents
from batch.changes.decision import decide
from batch.changes.open_values import protect_document, protected_changes
from batch.changes.quote_staleness import end_quotes, mark_stale_quotes
from batch.changes.real_time import evaluate_in_real_time
from batch.changes.records import BOUND, Loaded, PlannedSave, SaveContext, SaveResult
from batch.effects.actions_of_save import emit
from batch.effects.after_commit import after_commit
from batch.errors import BatchError
from batch.idempotency import IdempotencyKey, KeyedResponse, StoredResponse
from batch.misuse import Misuse
from batch.storage.rows import rows_of_save
from batch.storage.write import Locks, write_all
from copies.changes import Change
from copies.codec import UnreadableDocument
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from failpoints import failpoint
from redis_locks.shared_trip import using
from rules.flow.evaluation import Evaluation
from tenants.models import Tenant
from tracing import traced

#: The faults of one copy alone, which spoil no other copy of its chunk.
Fault: TypeAlias = BatchError | DatabaseError | UnreadableDocument | DecryptionFailed | KeyServiceUnavailable
_FAULTS: Final = (BatchError, UnreadableDocument, DecryptionFailed, KeyServiceUnavailable)


class UnitOfWork(Protocol):
    """One copy to save, as ``save`` sees it: a ``BatchContext``."""

    idempotency: IdempotencyKey | None

    @property
    def scope(self) -> Tenant:
        """Return the tenant."""

    @property
    def loaded(self) -> Loaded:
        """Return the copy as loaded, or saved last."""

    @property
    def save_context(self) -> SaveContext:
        """Return actor, moment and release."""

    @property
    def evaluation(self) -> Evaluation:
        """Return the evaluation of the copy as loaded, or saved last."""

    @property
    def changeset(self) -> Changeset:
        """Return the changes."""

    @property
    def sealer(self) -> Sealer:
        """Return the sealer, which has the copy's data key."""

    def begin_save(self) -> Changeset:
        """Enter the phase of saving; return the changes to save."""

    def move_on(self, planned: PlannedSave, /) -> None:
        """Make the saved state the present one."""

    def fail(self) -> None:
        """End the unit of work because its save failed."""


Refuse: TypeAlias = Callable[[UnitOfWork, Fault], None]
Respond: TypeAlias = Callable[[SaveResult], StoredResponse]
#: Writes what belongs to saves, by the results of the saved copies, in their transaction.
Companion: TypeAlias = Callable[[Mapping[UUID, SaveResult]], None]


def raise_fault(unit: UnitOfWork, fault: Fault) -> None:
    """Raise ``fault``, as a save of one copy does."""
    raise fault


@traced("save")
def save(  # noqa: PLR0913 - each is named at the call
    units: Sequence[UnitOfWork],
    *,
    locks: Locks | None = None,
    refuse: Refuse = raise_fault,
    respond: Respond | None = None,
    companion: Companion | None = None,
    is_dry_run: bool = False,
) -> dict[UUID, SaveResult]:
    """Save ``units``, all of one tenant, in one transaction; return the results by copy.

    ``refuse`` gets each copy that cannot be saved, with its fault; the others go on. ``respond`` builds the response to
    a keyed request before anything is written. The ``companion`` is called in the transaction with the results of the
    copies that were written; an error of its own is raised, and then nothing is written. A dry run ends after the
    actions and writes nothing.
    """
    planned: dict[UnitOfWork, PlannedSave] = {}
    trip = locks.trip if locks is not None else None
    with _failing(units):
        for unit in units:
            with refusing(unit, refuse):
                changeset, loaded = _begin(unit, is_dry_run), unit.loaded
                failpoint("before_save")
                call_on_create(changeset, loaded)
                call_before_save(changeset, loaded)
                is_kept = keeps_decision(changeset)
                protect_document(changeset.tracker)
                # A new copy was never decided, even with a document that comes from another copy.
                before = None if loaded.is_new else unit.evaluation
                evaluation = unit.evaluation if is_kept else decide(changeset, before=before)
                failpoint("rules_fired")
                changes = protected_changes(changeset.tracker)
                if not is_kept:
                    mark_stale_quotes(changeset, changes, before=before, after=evaluation)
                    end_quotes(changeset)
                    evaluate_in_real_time(changeset, before=before, after=evaluation)
                keep_consents(changeset, None if is_kept else evaluation)
                changes += changeset.tracker.attached_changes()
                result = compare(changeset, changes, before=unit.evaluation, after=evaluation)
                result = replace(result, is_decision_kept=is_kept)
                failpoint("compared")
                result = emit(changeset, result)
                failpoint("emitted")
                changeset.freeze()  # the decided state is the state that is written
                with using(trip):
                    keyed = _keyed(unit, respond(result)) if respond else None
                failpoint("responded")
                is_to_write = result.written and not is_dry_run
                rows = rows_of_save(changeset, result, key=unit.sealer.key) if is_to_write else None
                failpoint("assembled")
                planned[unit] = PlannedSave(loaded, unit.save_context, result, rows, keyed)
        if is_dry_run or not planned:
            return _results(planned)
        if locks is not None:
            locks.extend()
        failpoint("lock_extended")
        writes = list(planned.values())
        refusals = write_all(writes, scope=units[0].scope, locks=locks, companion=_of_copies(companion, writes))
        failpoint("written")
        for unit in [unit for unit in planned if unit.loaded.copy.id in refusals]:
            del planned[unit]
            refuse(unit, refusals[unit.loaded.copy.id])
        for unit, saved in planned.items():
            unit.move_on(saved)
        failpoint("moved_on")
    after_commit(list(planned.values()), scope=units[0].scope, trip=trip)
    return _results(planned)


def compare(changeset: Changeset, changes: list[Change], *, before: Evaluation, after: Evaluation) -> SaveResult:
    """Return the result of a save with ``changes``; without a change, ``written`` is False and the version stays."""
    codes = [*after.eligibility, *(code for code in before.eligibility if code not in after.eligibility)]
    moved = {
        code: after.eligibility.get(code)
        for code in codes
        if before.eligibility.get(code) != after.eligibility.get(code)
    }
    loaded = changeset.tracker.loaded
    is_requested = bool(changes or changeset.deferred or changeset.is_event)
    written = is_requested or loaded.is_new or not _conclude_the_same(before, after)
    if is_at_rest(changeset):
        changes, moved, written = [], {}, False
    return SaveResult(
        version=loaded.copy.version + written,
        loaded_version=loaded.copy.version,
        changes=changes,
        document=changeset.document,
        before=before,
        evaluation=after,
        moved=moved,
        written=written,
        refs=dict(changeset.tracker.refs),
    )


def keeps_decision(changeset: Changeset) -> bool:
    """Return whether a save leaves the decision as it is: of a locked copy, which stays locked, or of a bound one whose
    document is not changed. Call it before the rules.
    """
    loaded = changeset.tracker.loaded
    if is_at_rest(changeset):
        return True
    if loaded.is_new or changeset.tracker.context.renames:
        return False
    is_locked = loaded.copy.fields.locked_at is not None and changeset.copy_fields.locked_at is not None
    is_bound = loaded.is_bound and [given.row.code for given in changeset.dispositions][-1:] == [BOUND]
    return is_locked or (is_bound and not changeset.tracker.touched_paths)


def is_at_rest(changeset: Changeset) -> bool:
    """Return whether the copy stays locked, or the copy or its form stays deleted, and nothing was requested: then not
    even what follows from a later release is written.
    """
    loaded, after = changeset.tracker.loaded, changeset.copy_fields
    before = loaded.copy.fields
    stays_locked = before.locked_at is not None and after.locked_at is not None
    stays_deleted = before.deleted_at is not None and after.deleted_at is not None
    stays_archived = loaded.form.deleted_at is not None and changeset.form_fields.deleted_at is not None
    return (stays_locked or stays_deleted or stays_archived) and changeset.requests_nothing


def _conclude_the_same(before: Evaluation, after: Evaluation) -> bool:
    """Return whether two evaluations have equal results, apart from release and date."""
    found = [(one.eligibility, one.needed, one.messages, one.derived) for one in (before, after)]
    return found[0] == found[1]


def _results(planned: dict[UnitOfWork, PlannedSave]) -> dict[UUID, SaveResult]:
    return {one.loaded.copy.id: one.result for one in planned.values()}


def _of_copies(
    companion: Companion | None, planned: Sequence[PlannedSave]
) -> Callable[[Collection[UUID]], None] | None:
    """Return ``companion`` as what is called with the ids of the saved copies."""
    if companion is None:
        return None
    results = {one.loaded.copy.id: one.result for one in planned}
    return lambda saved: companion({copy_id: results[copy_id] for copy_id in results if copy_id in saved})


def _begin(unit: UnitOfWork, is_dry_run: bool) -> Changeset:
    return unit.changeset if is_dry_run else unit.begin_save()


def _keyed(unit: UnitOfWork, response: StoredResponse) -> KeyedResponse | None:
    return KeyedResponse(unit.idempotency, response) if unit.idempotency else None


@contextmanager
def _failing(units: Sequence[UnitOfWork]) -> Iterator[None]:
    """End the units of work where their save fails as a whole."""
    try:
        yield
    except BaseException:
        for unit in units:
            unit.fail()
        raise


@contextmanager
def refusing(unit: UnitOfWork, refuse: Refuse) -> Iterator[None]:
    """Pass the faults of one copy to ``refuse``; a misuse of the batch is a bug of the caller and is raised."""
    try:
        yield
    except Misuse:
        raise
    except _FAULTS as fault:
        refuse(unit, fault)
