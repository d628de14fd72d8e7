"""The kinds that clone forms within the tenant, or for the next term. Each item is a transaction of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar
from uuid import UUID

from batch.idempotency import StoredResponse
from operations.kinds.copy_kind import CopyItem, NoArguments, refusals_of_ids
from operations.kinds.kind import ItemEnd, Kind, Refusal, Work
from operations.kinds.refusals import FAULTS, refusal_of
from operations.kinds.traces import CopyTrace, stored_traces
from operations.models import OperationItem
from scenarios.cloning import NO_RESPONSE, CloneOrder, clone_form
from scenarios.cloning import Clone as ClonedForm
from tenants.access import Actor
from tenants.models import Tenant


class Clone(Kind[CopyItem, NoArguments]):
    """Clones forms."""

    code: ClassVar[str] = "clone"
    title: ClassVar[str] = "Clone"
    description: ClassVar[str] = (
        "Makes a new form of each form, with all its copies, decided anew. Quote requests become drafts."
    )
    item_type = CopyItem
    arguments_type = NoArguments
    can_undo: ClassVar[bool] = True
    is_renewal: ClassVar[bool] = False
    chunk_size: ClassVar[int] = 25

    def item_of(self, *, application_form_id: UUID, copy_id: UUID) -> CopyItem:
        """Return the item of a form that a search found."""
        return CopyItem(id=copy_id)

    def refusals(
        self, items: Sequence[CopyItem], arguments: NoArguments, *, tenant: Tenant, actor: Actor
    ) -> list[Refusal | None]:
        """Return for each item why it is refused: it names no copy of the tenant, or one that is deleted."""
        found = refusals_of_ids([item.id for item in items], tenant=tenant)
        return [found.get(item.id) for item in items]

    def run(self, items: Sequence[tuple[OperationItem, CopyItem]], work: Work[NoArguments]) -> list[ItemEnd]:
        """Clone the forms of a chunk; see ``Kind.run``."""
        work.actor.require(self.right)
        return [self._clone(row, item, work) for row, item in items]

    def _clone(self, row: OperationItem, item: CopyItem, work: Work[NoArguments]) -> ItemEnd:
        ends: list[ItemEnd] = []
        made: list[ClonedForm] = []

        def note(clone: ClonedForm) -> StoredResponse:
            made.append(clone)
            return NO_RESPONSE

        def record(saved: Collection[UUID]) -> None:
            ends.append(self._end(row, made[-1], is_dry_run=False))
            work.record(ends)

        order = CloneOrder(
            is_renewal=self.is_renewal,
            expected_version=item.expected_version,
            respond=note,
            companion=record,
            is_dry_run=work.is_dry_run,
        )
        try:
            with work.timed(row.id):
                clone = clone_form(item.id, order, scope=work.tenant, actor=work.actor)
        except FAULTS as fault:
            missing = refusals_of_ids([item.id], tenant=work.tenant)
            return ItemEnd(item_id=row.id, refusal=missing.get(item.id) or refusal_of(fault))
        return ends[0] if ends else self._end(row, clone, is_dry_run=work.is_dry_run)

    def _end(self, row: OperationItem, clone: ClonedForm, *, is_dry_run: bool) -> ItemEnd:
        """Return the end of an item. A dry run does not name what it would have made."""
        notes = [part.notes for part in clone.parts]
        result: dict[str, Any] = {
            "copies": len(clone.parts),
            "left_out": sum(len(part.findings) for part in clone.parts),
            "proposed": sum(len(one.proposed) for one in notes),
            "moved": sum(len(one.moved) for one in notes),
            "asked_again": sum(len(one.asked_again) for one in notes),
        }
        made = [part.context.copy.id for part in clone.parts]
        traces = [CopyTrace(copy_id=copy_id, before=0, after=1, presence="made") for copy_id in made]
        return ItemEnd(
            item_id=row.id,
            copy_id=None if is_dry_run else made[0],
            application_form_id=None if is_dry_run else clone.form_id,
            version_before=max(part.source.copy.version for part in clone.parts),
            version_after=1,
            result=result,
            undo=None if is_dry_run else stored_traces(traces),
        )


class Renew(Clone):
    """Renews forms."""

    code: ClassVar[str] = "renew"
    title: ClassVar[str] = "Renew"
    description: ClassVar[str] = (
        "Makes a form for the next term of each form: dates move, and answers that are too old wait to be confirmed."
    )
    is_renewal: ClassVar[bool] = True
