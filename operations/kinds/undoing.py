"""The kind that takes an operation back, item by item, as a merge: what anybody has changed since stays.

An item knows the versions that its own operation made, so it needs no other data; an undo can be taken back too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias
from uuid import UUID

import msgspec

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import BatchError
from batch.save import Fault
from copies.changes import ANEW, Cause
from copies.models import CopyRevision
from operations.kinds.copy_kind import LOCK_SECONDS, CopyIsBound, moved_between
from operations.kinds.kind import CHANGED, SKIPPED, UNCHANGED, ItemEnd, Kind, Refusal, Work
from operations.kinds.refusals import refusal_of
from operations.kinds.traces import CopyTrace, OwnerChange, Presence, read_traces, stored_traces
from operations.models import BatchOperation, ItemState, OperationItem
from scenarios.version_undo import LEFT_TEXTS, LeftPart, undo_version
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The cause of the versions that an undo makes; the id is that of the operation that is taken back.
UNDO_OPERATION: Final = "undo_operation"
#: Why the own fields of a copy are left as they are, besides the reasons of ``scenarios.version_undo``.
USED_SINCE: Final = "used_since"
TEXTS: Final = {**LEFT_TEXTS, USED_SINCE: "Somebody has worked on this form since."}
#: Paths named in a result, at most; the others are counted.
MOST_PATHS: Final = 50

#: An item with what the item that it takes back did to copies.
Traced: TypeAlias = tuple[OperationItem, tuple[CopyTrace, ...]]

GONE: Final = Refusal(
    code="operation_gone",
    detail=(
        "This operation no longer exists: operations are deleted some days after they have ended. Take single copies "
        "back in their history."
    ),
)
NOTHING: Final = Refusal(code="nothing_to_undo", detail="This item changed nothing.")


class UndoItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The id of a completed item to take back."""

    item_id: UUID


class UndoArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The id of the operation to take back."""

    operation_id: UUID


def items_to_undo(operation: BatchOperation) -> Iterator[UndoItem]:
    """Yield the items with which ``operation`` is taken back, the last first: what it did to a copy in several steps
    goes back in the opposite order. The tenant must be in scope.
    """
    done = OperationItem.objects.filter(operation_id=operation.pk, state=ItemState.COMPLETED).exclude(undo=None)
    for item_id in done.order_by("-number").values_list("id", flat=True).iterator(chunk_size=2_000):
        yield UndoItem(item_id=item_id)


class Undo(Kind[UndoItem, UndoArguments]):
    """Takes an operation back."""

    code: ClassVar[str] = "undo"
    title: ClassVar[str] = "Undo"
    description: ClassVar[str] = (
        "Takes back what another operation has set, where nobody has changed it since. What stays is listed with the "
        "reason."
    )
    item_type = UndoItem
    arguments_type = UndoArguments
    takes_query: ClassVar[bool] = False
    can_undo: ClassVar[bool] = True

    def item_of(self, *, application_form_id: UUID, copy_id: UUID) -> UndoItem:
        """Raise ``NotImplementedError``: a search does not find items."""
        raise NotImplementedError

    def subject_of(self, item: UndoItem) -> UUID:
        """Return the id of the item to take back."""
        return item.item_id

    def refuse_arguments(self, arguments: UndoArguments, *, tenant: Tenant, actor: Actor) -> Refusal | None:
        """Return why the operation cannot be taken back: it was deleted, was a dry run, or still works."""
        with use_tenant(tenant):
            operation = BatchOperation.objects.filter(pk=arguments.operation_id).first()
        if operation is None:
            return GONE
        if operation.is_dry_run:
            return Refusal(code="dry_run", detail="This operation was only tried, and changed nothing.")
        if operation.finished_at is None:
            text = "This operation has not ended. Cancel it, or wait until it has ended."
            return Refusal(code="operation_running", detail=text)
        return None

    def refusals(
        self, items: Sequence[UndoItem], arguments: UndoArguments, *, tenant: Tenant, actor: Actor
    ) -> list[Refusal | None]:
        """Return for each item why it is refused: it is none of the operation, or changed nothing."""
        with use_tenant(tenant):
            rows = OperationItem.objects.filter(
                id__in=[item.item_id for item in items], operation_id=arguments.operation_id
            )
            known = {row.id: row.state == ItemState.COMPLETED and row.undo is not None for row in rows}
        return [None if known.get(item.item_id) else NOTHING for item in items]

    def run(self, items: Sequence[tuple[OperationItem, UndoItem]], work: Work[UndoArguments]) -> list[ItemEnd]:
        """Take the items of a chunk back; return the end of each, in the order given. Raises ``MissingRight``."""
        work.actor.require(self.right)
        with use_tenant(work.tenant):
            rows = OperationItem.objects.filter(
                id__in=[item.item_id for _, item in items], operation_id=work.arguments.operation_id
            )
            traces = {row.id: read_traces(row.undo) for row in rows if row.undo is not None}
        ends: dict[UUID, ItemEnd] = {}
        waiting: list[Traced] = []
        for row, item in items:
            if item.item_id in traces:
                waiting.append((row, traces[item.item_id]))
            else:
                ends[row.id] = ItemEnd(item_id=row.id, refusal=GONE)
        while waiting:
            portion, waiting = _each_copy_once(waiting)
            ends |= _Portion(portion, work).run()
        return [ends[row.id] for row, _ in items]


def _each_copy_once(items: Sequence[Traced]) -> tuple[list[Traced], list[Traced]]:
    """Return the items of which no two are about the same copy, and the others."""
    used: set[UUID] = set()
    now: list[Traced] = []
    later: list[Traced] = []
    for row, traces in items:
        copies = {trace.copy_id for trace in traces}
        (later if copies & used else now).append((row, traces))
        used |= copies
    return now, later


class _Part(msgspec.Struct):
    """What is done to one copy: the paths that are back, the parts that stay, and its own fields."""

    paths: list[str] = []
    left: list[LeftPart] = []
    presence: Presence = ""
    owner: OwnerChange | None = None
    trace: CopyTrace | None = None
    moved: dict[str, Any] = {}

    @property
    def is_change(self) -> bool:
        """Return whether the copy is changed."""
        return bool(self.paths or self.presence or self.owner)


class _Portion:
    """Items that are about different copies."""

    def __init__(self, items: Sequence[Traced], work: Work[UndoArguments]) -> None:
        self._items = items
        self._work = work
        self._traces = {trace.copy_id: trace for _, traces in items for trace in traces}
        self._rows = {trace.copy_id: row.id for row, traces in items for trace in traces}
        self._parts: dict[UUID, _Part] = {}
        self._contexts: Mapping[UUID, BatchContext] = {}
        self._faults: dict[UUID, Fault] = {}

    def run(self) -> dict[UUID, ItemEnd]:
        """Take the items back, or preview it; return their ends by the item's id."""
        if self._work.is_dry_run:
            self._preview()
        else:
            self._save()
        return {row.id: self._end(row, traces) for row, traces in self._items}

    def _save(self) -> None:
        ids = list(self._traces)
        scope, actor = self._work.tenant, self._work.actor
        with batch.find_and_lock_many(ids, scope=scope, actor=actor, wait=LOCK_SECONDS, archived=True) as chunk:
            self._contexts = chunk.contexts
            touched = self._touched_forms()
            chunk.apply_each(lambda _, context: self._take_back(context, touched))
            results = chunk.save(companion=self._record)
            self._note({one.id: one.result for one in results if one.result is not None})
            self._faults = {one.id: one.error for one in results if one.error is not None}

    def _preview(self) -> None:
        found = batch.find_many(list(self._traces), scope=self._work.tenant, actor=self._work.actor, archived=True)
        self._contexts = {key: one for key, one in found.items() if isinstance(one, BatchContext)}
        self._faults = {key: one for key, one in found.items() if isinstance(one, BatchError)}
        touched = self._touched_forms()
        for copy_id, context in self._contexts.items():
            try:
                self._take_back(context, touched)
                self._note({copy_id: context.preview()})
            except BatchError as fault:
                self._faults[copy_id] = fault

    def _touched_forms(self) -> set[UUID]:
        """Return the forms made by the operation on which anybody has worked since."""
        return {
            context.form.id
            for copy_id, context in self._contexts.items()
            if self._traces[copy_id].presence == "made" and _is_touched(context, self._traces[copy_id])
        }

    def _take_back(self, context: BatchContext, touched: set[UUID]) -> None:
        trace = self._traces[context.copy.id]
        part = self._parts[context.copy.id] = _Part()
        cause = Cause(UNDO_OPERATION, str(self._work.arguments.operation_id))
        if trace.presence == "made":
            self._archive(context, part, is_touched=context.form.id in touched)
        elif trace.presence:
            _restore(context, trace, part)
        if trace.owner is not None:
            _give_back(context, trace.owner, part)
        if trace.before > 0 and not trace.presence and trace.owner is None:
            if context.loaded.is_bound:
                raise CopyIsBound
            with self._work.timed(self._rows[context.copy.id]):
                taken = undo_version(context, before=trace.before, after=trace.after, cause=cause)
            part.paths += taken.paths
            part.left += taken.left
        context.changeset.note_cause(cause)

    def _archive(self, context: BatchContext, part: _Part, *, is_touched: bool) -> None:
        """Archive the form that the operation made, through its default copy."""
        if is_touched:
            part.left.append(LeftPart("application_form", USED_SINCE))
        elif context.form.deleted_at is None and context.copy.id == context.form.id:
            context.changeset.application_form.archive()
            part.presence = "archived"

    def _record(self, saved: Mapping[UUID, SaveResult]) -> None:
        """Record the items all of whose copies are saved now, or have nothing to save."""
        self._note(saved)
        waiting = {copy_id for copy_id, part in self._parts.items() if part.is_change and copy_id not in saved}
        whole = []
        for row, traces in self._items:
            copies = {trace.copy_id for trace in traces}
            if copies & saved.keys() and not copies & waiting:
                whole.append(self._end(row, traces))
        if whole:
            self._work.record(whole)

    def _note(self, saved: Mapping[UUID, SaveResult]) -> None:
        for copy_id, result in saved.items():
            part = self._parts[copy_id]
            part.moved = moved_between(result.before, result.evaluation)
            if result.written:
                part.trace = CopyTrace(
                    copy_id=copy_id,
                    before=result.loaded_version,
                    after=result.version,
                    presence=part.presence,
                    owner=part.owner,
                )

    def _end(self, row: OperationItem, traces: Sequence[CopyTrace]) -> ItemEnd:
        first = self._contexts.get(traces[0].copy_id) if traces else None
        known: dict[str, Any] = {
            "item_id": row.id,
            "copy_id": traces[0].copy_id if traces else None,
            "application_form_id": first.form.id if first else None,
        }
        fault = next((self._faults[trace.copy_id] for trace in traces if trace.copy_id in self._faults), None)
        if fault is not None:
            return ItemEnd(**known, refusal=refusal_of(fault))
        parts = [self._parts[trace.copy_id] for trace in traces]
        written = [part.trace for part in parts if part.trace is not None]
        left = [one for part in parts for one in part.left]
        paths = [path for part in parts for path in part.paths]
        present = first.version if first else None
        return ItemEnd(
            **known,
            outcome=CHANGED if written else SKIPPED if left else UNCHANGED,
            version_before=written[0].before if written else present,
            version_after=written[0].after if written else present,
            result={
                "taken_back": paths[:MOST_PATHS],
                "taken_back_count": len(paths) + sum(bool(part.presence or part.owner) for part in parts),
                "left": [
                    {"path": one.path, "code": one.code, "detail": TEXTS.get(one.code, "This cannot be taken back.")}
                    for one in left[:MOST_PATHS]
                ],
                "left_count": len(left),
                "eligibility": {product: moved for part in parts for product, moved in part.moved.items()},
            },
            undo=stored_traces(written) if written else None,
        )


def _restore(context: BatchContext, trace: CopyTrace, part: _Part) -> None:
    """Take back an archiving, a deletion, or the undo of one."""
    form, copy = context.changeset.application_form, context.changeset.copy
    is_archived, is_deleted = context.form.deleted_at is not None, context.copy.fields.deleted_at is not None
    if trace.presence == "archived" and is_archived:
        form.restore()
        part.presence = "restored"
    elif trace.presence == "restored" and not is_archived:
        form.archive()
        part.presence = "archived"
    elif trace.presence == "deleted" and is_deleted:
        copy.restore()
        part.presence = "undeleted"
    elif trace.presence == "undeleted" and not is_deleted:
        copy.delete()
        part.presence = "deleted"
    else:
        part.left.append(LeftPart("copy/deleted_at", "changed_since"))


def _give_back(context: BatchContext, owner: OwnerChange, part: _Part) -> None:
    if context.copy.fields.owner_id != owner.after:
        part.left.append(LeftPart("copy/owner_id", "changed_since"))
        return
    context.changeset.copy.own(owner.before)
    part.owner = OwnerChange(owner.after, owner.before)


def _is_touched(context: BatchContext, trace: CopyTrace) -> bool:
    """Return whether a person or program has saved the copy since: more than decisions anew."""
    if context.version == trace.after:
        return False
    with use_tenant(context.scope):
        later = CopyRevision.objects.filter(copy_id=context.copy.id, version__gt=trace.after)
        return later.exclude(actor_type="system", source__in=ANEW).exists()
