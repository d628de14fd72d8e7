"""The kinds that change copies one by one: a chunk is loaded, changed, decided and saved with one round trip each.

A dry run does the same up to the writing: it loads without locks and previews each copy. So its results are those of
the run, as long as nothing changes in between.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar, cast
from uuid import UUID

import msgspec
from django.db.models import Q

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import BatchError, CopyIsLocked, NotFound, TwiceInChunk
from batch.save import Fault, refusing
from copies.changes import Cause
from copies.models import Copy
from forms.models import ApplicationForm
from operations.kinds.kind import CHANGED, UNCHANGED, ArgumentsT, ItemEnd, Kind, Refusal, Work
from operations.kinds.refusals import BOUND, DELETED, FAULTS, GONE, refusal_of
from operations.kinds.traces import CopyTrace, OwnerChange, Presence, stored_traces
from operations.models import OperationItem
from rules.flow.evaluation import Evaluation, ProductOutcome
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The cause of the versions that operations make; the id is the operation's.
OPERATION: Final = "operation"
#: How long to wait for the locks of a chunk, in seconds. Copies in use are tried again later.
LOCK_SECONDS: Final = 5.0


class CopyItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item that names a copy: by its id, or by its form's for the copy that a user touched last.

    With ``expected_version`` a copy of another version is refused.
    """

    id: UUID
    expected_version: int | None = None


class NoArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No arguments."""


class CopyIsBound(BatchError):
    """The form is bound and keeps what it was bound with."""

    code = BOUND.code
    sentence = BOUND.detail


class OtherVersion(BatchError):
    """The copy has another version than the item expects."""

    code = "version_mismatch"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"The copy is at version {actual}, not {expected}. Read it again and submit a new operation for it."
        )


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind did to a copy: what its ``result`` states besides the changes, without values, and what an undo needs
    to know besides the versions.
    """

    result: dict[str, Any] = {}
    presence: Presence = ""
    owner: OwnerChange | None = None
    carrier_calls: int = 0


CopyItemT = TypeVar("CopyItemT", bound=CopyItem)


class CopyKind(Kind[CopyItemT, ArgumentsT]):
    """A kind whose items are copies, each of which is changed by ``change``."""

    item_type = cast("type[CopyItemT]", CopyItem)
    can_undo: ClassVar[bool] = True
    #: Whether a bound form takes the change.
    takes_bound: ClassVar[bool] = False
    #: Whether a copy takes the change while a person has locked it.
    takes_locked: ClassVar[bool] = False

    def item_of(self, *, application_form_id: UUID, copy_id: UUID) -> CopyItemT:
        """Return the item of a form that a search found."""
        return self.item_type(id=copy_id)

    def subject_of(self, item: CopyItemT) -> UUID:
        """Return the id that the item names."""
        return item.id

    @abstractmethod
    def change(self, context: BatchContext, item: CopyItemT, work: Work[ArgumentsT]) -> Done:
        """Change ``context.changeset``; return what was done besides the changes. Raises ``BatchError`` to refuse the
        copy.
        """

    def refusals(
        self, items: Sequence[CopyItemT], arguments: ArgumentsT, *, tenant: Tenant, actor: Actor
    ) -> list[Refusal | None]:
        """Return for each item why it is refused: it names no copy of the tenant, or one that is deleted."""
        found = refusals_of_ids([item.id for item in items], tenant=tenant)
        return [found.get(item.id) for item in items]

    def run(self, items: Sequence[tuple[OperationItem, CopyItemT]], work: Work[ArgumentsT]) -> list[ItemEnd]:
        """Change the copies of a chunk; return the end of each item, in the order given. Raises ``MissingRight``."""
        work.actor.require(self.right)
        ends: dict[UUID, ItemEnd] = {}
        waiting = list(items)
        while waiting:
            # Of two items that mean the same copy the later one comes after the earlier one is saved.
            now: dict[UUID, tuple[OperationItem, CopyItemT]] = {}
            for row, item in waiting:
                now.setdefault(item.id, (row, item))
            portion = _Portion(self, now, work)
            portion.preview() if work.is_dry_run else portion.save()
            ends |= {end.item_id: end for end in portion.ends.values()}
            waiting = [(row, item) for row, item in waiting if row.id not in ends]
        return [ends[row.id] for row, _ in items]


class _Portion(Generic[CopyItemT, ArgumentsT]):
    """Items of a chunk that mean different copies, by the id that each names, and their ends."""

    def __init__(
        self,
        kind: CopyKind[CopyItemT, ArgumentsT],
        items: Mapping[UUID, tuple[OperationItem, CopyItemT]],
        work: Work[ArgumentsT],
    ) -> None:
        self._kind = kind
        self._items = items
        self._work = work
        self._done: dict[UUID, Done] = {}
        self._contexts: Mapping[UUID, BatchContext] = {}
        #: The end of each item by the id that it names; without those whose copy another item of the portion means.
        self.ends: dict[UUID, ItemEnd] = {}

    def save(self) -> None:
        """Lock, load, change and save the copies; the ends of those that are written are stored with them."""
        work = self._work
        with batch.find_and_lock_many(
            list(self._items), scope=work.tenant, actor=work.actor, wait=LOCK_SECONDS
        ) as chunk:
            self._contexts = chunk.contexts
            chunk.apply_each(self._change)
            results = chunk.save(companion=self._record)
            self._refuse({one.id: one.error for one in results if one.error is not None})
            for one in results:
                if one.result is not None and one.error is None and one.id not in self.ends:
                    self.ends[one.id] = self._end(one.id, one.result)

    def preview(self) -> None:
        """Load the copies without locks, and preview each change; write nothing."""
        work = self._work
        found = batch.find_many(list(self._items), scope=work.tenant, actor=work.actor)
        self._contexts = {key: one for key, one in found.items() if isinstance(one, BatchContext)}
        faults: dict[UUID, Fault] = {key: one for key, one in found.items() if isinstance(one, BatchError)}
        meant: set[UUID] = set()
        for identity, context in self._contexts.items():
            with refusing(context, lambda _, fault, key=identity: faults.update({key: fault})):  # type: ignore[misc]
                if context.copy.id in meant:
                    raise TwiceInChunk
                meant.add(context.copy.id)
                self._change(identity, context)
                self.ends[identity] = self._end(identity, context.preview())
        self._refuse(faults)

    def _change(self, identity: UUID, context: BatchContext) -> None:
        row, item = self._items[identity]
        require_version(context, item)
        if context.loaded.is_bound and not self._kind.takes_bound:
            raise CopyIsBound
        fields = context.copy.fields
        if fields.locked_at is not None and not self._kind.takes_locked:
            raise CopyIsLocked(by=fields.locked_by_label, since=fields.locked_at, reason=fields.lock_reason)
        with self._work.timed(row.id):
            self._done[identity] = self._kind.change(context, item, self._work)
        context.changeset.note_cause(Cause(OPERATION, str(self._work.operation_id)))

    def _record(self, saved: Mapping[UUID, SaveResult]) -> None:
        ends = {identity: self._end(identity, result) for identity, result in saved.items()}
        self._work.record(list(ends.values()))
        self.ends |= ends

    def _end(self, identity: UUID, result: SaveResult) -> ItemEnd:
        (row, _), context, done = self._items[identity], self._contexts[identity], self._done[identity]
        trace = CopyTrace(
            copy_id=context.copy.id,
            before=result.loaded_version,
            after=result.version,
            presence=done.presence,
            owner=done.owner,
        )
        return ItemEnd(
            item_id=row.id,
            outcome=CHANGED if result.written else UNCHANGED,
            copy_id=context.copy.id,
            application_form_id=context.form.id,
            version_before=result.loaded_version,
            version_after=result.version,
            result={
                "changes": len(result.changes),
                "eligibility": moved_between(result.before, result.evaluation),
                **done.result,
            },
            undo=stored_traces([trace]) if result.written and self._kind.can_undo else None,
            carrier_calls=done.carrier_calls,
        )

    def _refuse(self, faults: Mapping[UUID, Fault]) -> None:
        """Put the ends of refused items into ``ends``, but of those whose copy another item means."""
        missing = [identity for identity, fault in faults.items() if isinstance(fault, NotFound)]
        reasons = refusals_of_ids(missing, tenant=self._work.tenant) if missing else {}
        for identity, fault in faults.items():
            if isinstance(fault, TwiceInChunk):
                continue
            (row, _), context = self._items[identity], self._contexts.get(identity)
            self.ends[identity] = ItemEnd(
                item_id=row.id,
                refusal=reasons.get(identity) or refusal_of(fault),
                copy_id=context.copy.id if context else None,
                application_form_id=context.form.id if context else None,
                version_before=context.version if context else None,
            )


def moved_between(before: Evaluation, after: Evaluation) -> dict[str, Any]:
    """Return the products whose outcome or premium moved: before and after, null for one that is not offered."""
    if before.eligibility == after.eligibility:
        return {}
    found = {}
    for product in sorted({*before.eligibility, *after.eligibility}):
        standings = [_standing(one.eligibility.get(product)) for one in (before, after)]
        if standings[0] != standings[1]:
            found[product] = {"before": standings[0], "after": standings[1]}
    return found


def read_copies(
    items: Sequence[tuple[OperationItem, CopyItemT]],
    work: Work[ArgumentsT],
    read: Callable[[BatchContext], dict[str, Any]],
) -> list[ItemEnd]:
    """Load the copies of a chunk without their locks; return the end of each item with the result that ``read``
    returns, which raises ``BatchError`` to refuse the copy. Nothing of the copies is changed.
    """
    found = batch.find_many([item.id for _, item in items], scope=work.tenant, actor=work.actor)
    missing = [identity for identity, one in found.items() if isinstance(one, NotFound)]
    reasons = refusals_of_ids(missing, tenant=work.tenant) if missing else {}
    ends = []
    for row, item in items:
        context = found[item.id]
        if isinstance(context, BatchError):
            ends.append(ItemEnd(item_id=row.id, refusal=reasons.get(item.id) or refusal_of(context)))
            continue
        result, refusal = {}, None
        try:
            require_version(context, item)
            with work.timed(row.id):
                result = read(context)
        except FAULTS as fault:
            refusal = refusal_of(fault)
        ends.append(
            ItemEnd(
                item_id=row.id,
                refusal=refusal,
                outcome=UNCHANGED,
                copy_id=context.copy.id,
                application_form_id=context.form.id,
                version_before=context.version,
                version_after=context.version,
                result=result,
            )
        )
    return ends


def require_version(context: BatchContext, item: CopyItem) -> None:
    """Raise ``OtherVersion`` where the copy has another version than ``item`` expects."""
    if item.expected_version not in (None, context.version):
        raise OtherVersion(expected=item.expected_version or 0, actual=context.version)


def _standing(outcome: ProductOutcome | None) -> dict[str, Any] | None:
    return None if outcome is None else {"outcome": outcome.outcome, "premium": outcome.premium}


def refusals_of_ids(ids: Collection[UUID], *, tenant: Tenant) -> dict[UUID, Refusal]:
    """Return why those of ``ids`` that mean no copy of ``tenant`` are refused: unknown, or deleted."""
    with use_tenant(tenant):
        copies = Copy.objects.filter(Q(id__in=ids) | Q(application_form_id__in=ids)).order_by()
        rows = list(copies.values_list("id", "application_form_id", "deleted_at"))
        archived = ApplicationForm.objects.filter(id__in={form_id for _, form_id, _ in rows}).exclude(deleted_at=None)
        gone = set(archived.values_list("id", flat=True))
    known: dict[UUID, bool] = {}
    for copy_id, form_id, deleted_at in rows:
        is_there = deleted_at is None and form_id not in gone
        for identity in (copy_id, form_id):
            known[identity] = known.get(identity, False) or is_there
    # A deleted copy's own id means that copy, unless it is its form's id too.
    return {identity: DELETED if identity in known else GONE for identity in ids if not known.get(identity)}
