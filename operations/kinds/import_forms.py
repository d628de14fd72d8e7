"""The kind that imports forms: each item becomes one new form, as ``POST /application_forms`` makes it.

A form has the id of its item, so an item that is tried again never makes a second one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.mutators.application_form import MAX_EXTERNAL_ID, MAX_REFERENCE
from batch.changes.mutators.copy_fields import MAX_TITLE
from batch.changes.records import SaveResult
from batch.changes.submission import submit_answers
from batch.context import BatchContext
from batch.new_copies import AS_OF_RANGE, NewForm
from batch.save import Fault, refusing
from catalogue import releases
from copies.changes import Cause
from copies.models import Copy
from failpoints import failpoint
from operations.kinds.copy_kind import OPERATION, moved_between
from operations.kinds.kind import UNCHANGED, ItemEnd, Kind, Refusal, Work
from operations.kinds.refusals import refusal_of
from operations.kinds.traces import CopyTrace, stored_traces
from operations.models import OperationItem
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


class ImportItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One new form. ``reference`` is the partner's own name for it, ``external_id`` its id in their system (unique
    within the tenant), ``metadata`` their texts by key; ``as_of`` (right ``forms:as_of``) the evaluation
    date, by default the tenant's current date; ``catalogue`` a code, by default the operation's.
    """

    answers: dict[str, Any] = {}
    answer_pools: dict[str, Any] = {}
    title: Annotated[str, Meta(max_length=MAX_TITLE)] = ""
    reference: Annotated[str, Meta(max_length=MAX_REFERENCE)] = ""
    external_id: Annotated[str, Meta(max_length=MAX_EXTERNAL_ID)] = ""
    metadata: dict[str, str] = {}
    as_of: date | None = None
    catalogue: Annotated[str, Meta(max_length=64)] | None = None


class ImportArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The catalogue of the forms whose items name none, by default the tenant's."""

    catalogue: Annotated[str, Meta(max_length=64)] = ""


class ImportForms(Kind[ImportItem, ImportArguments]):
    """Makes a new form of each item."""

    code: ClassVar[str] = "import_forms"
    title: ClassVar[str] = "Import forms"
    description: ClassVar[str] = (
        "Makes a new application form of each item, from JSON or from the rows of a CSV or XLSX file. An item with an "
        "invalid answer fails with its reasons, and the others go on."
    )
    takes_query: ClassVar[bool] = False
    can_undo: ClassVar[bool] = True
    item_type = ImportItem
    arguments_type = ImportArguments

    def item_of(self, *, application_form_id: UUID, copy_id: UUID) -> ImportItem:
        """Raise ``TypeError``: no search finds what is yet to be imported."""
        raise TypeError("The items of an import are no forms that a search can find.")

    def refuse_arguments(self, arguments: ImportArguments, *, tenant: Tenant, actor: Actor) -> Refusal | None:
        """Return why nothing can be imported under ``arguments``: the catalogue is unknown."""
        return _refused_catalogue(arguments.catalogue or tenant.catalogue)

    def refusals(
        self, items: Sequence[ImportItem], arguments: ImportArguments, *, tenant: Tenant, actor: Actor
    ) -> list[Refusal | None]:
        """Return for each item why it is refused: an evaluation date without the right to set one, or out of range, or
        an unknown catalogue. Its answers are judged when it is worked on.
        """
        unknown = {code: _refused_catalogue(code) for code in {item.catalogue for item in items if item.catalogue}}
        return [_refused_date(item, actor) or unknown.get(item.catalogue or "") for item in items]

    def run(self, items: Sequence[tuple[OperationItem, ImportItem]], work: Work[ImportArguments]) -> list[ItemEnd]:
        """Make the forms of a chunk with one statement. Raises ``MissingRight``."""
        work.actor.require(self.right)
        return _Forms(items, work).ends()


class _Forms:
    """The forms of one chunk and their ends."""

    def __init__(self, items: Sequence[tuple[OperationItem, ImportItem]], work: Work[ImportArguments]) -> None:
        self._items: Mapping[UUID, ImportItem] = {row.id: item for row, item in items}
        self._work = work
        self._contexts: Mapping[UUID, BatchContext] = {}
        self._ends: dict[UUID, ItemEnd] = {}

    def ends(self) -> list[ItemEnd]:
        """Make the forms, or preview them; return the ends in the order of the items."""
        # The rights that count are those of the run.
        refused = {key: found for key, item in self._items.items() if (found := _refused_date(item, self._work.actor))}
        self._ends |= {key: ItemEnd(item_id=key, refusal=refusal) for key, refusal in refused.items()}
        if not self._work.is_dry_run:
            self._ends |= {key: _made_before(key) for key in self._stored()}
        starts = {key: self._start(item) for key, item in self._items.items() if key not in self._ends}
        with batch.build_many(starts, scope=self._work.tenant, actor=self._work.actor) as chunk:
            self._contexts = chunk.contexts
            chunk.apply_each(self._change)
            if self._work.is_dry_run:
                faults = dict(chunk.errors)
                for key, context in chunk.contexts.items():
                    if key not in faults:
                        self._preview(key, context, faults)
            else:
                results = chunk.save(companion=self._record)
                faults = {one.id: one.error for one in results if one.error is not None}
        for key, fault in faults.items():
            self._ends[key] = ItemEnd(item_id=key, refusal=refusal_of(fault))
        return [self._ends[key] for key in self._items]

    def _stored(self) -> set[UUID]:
        """Return the items whose form exists: an earlier attempt made it."""
        with use_tenant(self._work.tenant):
            return set(Copy.objects.filter(id__in=list(self._items)).order_by().values_list("id", flat=True))

    def _start(self, item: ImportItem) -> NewForm:
        catalogue = item.catalogue or self._work.arguments.catalogue
        return NewForm(title=item.title, as_of=item.as_of, catalogue=catalogue)

    def _change(self, key: UUID, context: BatchContext) -> None:
        item, changeset = self._items[key], context.changeset
        name_form(changeset, item)
        with self._work.timed(key):
            submit_answers(changeset, item.answers, item.answer_pools)
        changeset.note_cause(Cause(OPERATION, str(self._work.operation_id)))

    def _preview(self, key: UUID, context: BatchContext, faults: dict[UUID, Fault]) -> None:
        with refusing(context, lambda _, fault: faults.update({key: fault})):
            self._ends[key] = self._end(key, context.preview())

    def _record(self, saved: Mapping[UUID, SaveResult]) -> None:
        ends = {key: self._end(key, result) for key, result in saved.items()}
        failpoint("import_recording")
        self._work.record(list(ends.values()))
        failpoint("import_recorded")
        self._ends |= ends

    def _end(self, key: UUID, result: SaveResult) -> ItemEnd:
        return ItemEnd(
            item_id=key,
            copy_id=key,
            application_form_id=key,
            version_before=0,
            version_after=result.version,
            result={"changes": len(result.changes), "eligibility": moved_between(result.before, result.evaluation)},
            undo=stored_traces([CopyTrace(copy_id=key, before=0, after=result.version, presence="made")]),
        )


def name_form(changeset: Changeset, item: ImportItem) -> None:
    """Set the fields of the new form that are no answers. Raises ``WrongValue``, ``LooksSensitive``."""
    if item.reference:
        changeset.application_form.refer_as(item.reference)
    if item.external_id:
        changeset.application_form.set_external_id(item.external_id)
    if item.metadata:
        changeset.application_form.merge_metadata(item.metadata)


def _made_before(key: UUID) -> ItemEnd:
    return ItemEnd(item_id=key, outcome=UNCHANGED, copy_id=key, application_form_id=key, version_after=1)


def _refused_date(item: ImportItem, actor: Actor) -> Refusal | None:
    if item.as_of is None:
        return None
    first, last = AS_OF_RANGE
    if not actor.may(Right.SET_AS_OF):
        detail = "Setting the evaluation date needs the right forms:as_of. Leave as_of out to use today."
        return Refusal(code="missing_right", detail=detail)
    if not first <= item.as_of <= last:
        return Refusal(code="out_of_range", detail=f"as_of must be between {first} and {last}.")
    return None


def _refused_catalogue(code: str) -> Refusal | None:
    try:
        releases.current_id(code)
    except releases.NoRelease:
        # Not the code: a cell of another column can be in its place, and rejections are stored.
        detail = "There is no catalogue with this code, or none of its releases is published."
        return Refusal(code="unknown_catalogue", detail=detail)
    return None
