"""The kinds that read copies and change none."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from batch.context import BatchContext
from operations.kinds.copy_kind import CopyItem, read_copies, refusals_of_ids
from operations.kinds.kind import ArgumentsT, ItemEnd, Kind, Refusal, Work
from operations.models import OperationItem
from tenants.access import Actor, Right
from tenants.models import Tenant


class ReadingKind(Kind[CopyItem, ArgumentsT]):
    """A kind whose items are copies, each of which is read by ``read``, without its lock."""

    item_type = CopyItem
    right: ClassVar[Right] = Right.READ_FORMS

    def item_of(self, *, application_form_id: UUID, copy_id: UUID) -> CopyItem:
        """Return the item of a form that a search found."""
        return CopyItem(id=copy_id)

    def subject_of(self, item: CopyItem) -> UUID:
        """Return the id that the item names."""
        return item.id

    def refusals(
        self, items: Sequence[CopyItem], arguments: ArgumentsT, *, tenant: Tenant, actor: Actor
    ) -> list[Refusal | None]:
        """Return for each item why it is refused: it names no copy of the tenant, or one that is deleted."""
        found = refusals_of_ids([item.id for item in items], tenant=tenant)
        return [found.get(item.id) for item in items]

    def run(self, items: Sequence[tuple[OperationItem, CopyItem]], work: Work[ArgumentsT]) -> list[ItemEnd]:
        """Read the copies of a chunk; see ``Kind.run``."""
        work.actor.require(self.right)
        return read_copies(items, work, lambda context: self.read(context, work))

    @abstractmethod
    def read(self, context: BatchContext, work: Work[ArgumentsT]) -> dict[str, Any]:
        """Return what the result of an item states, without values. Raises ``BatchError`` to refuse the copy."""
