"""Runs a kind on items without the engine: what it records, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
from django.utils import timezone

from operations.kinds.kind import ItemEnd, Kind, Work
from operations.kinds.undoing import Undo, items_to_undo
from operations.models import BatchOperation, ItemState, OperationItem
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


@dataclass
class KindRun:
    """Runs chunks of one tenant's operation; ``recorded`` has the ends that were stored with their changes."""

    tenant: Tenant
    actor: Actor
    operation_id: UUID = field(default_factory=uuid4)
    recorded: list[ItemEnd] = field(default_factory=list)

    def run(
        self,
        kind: Kind[Any, Any],
        items: Sequence[Mapping[str, Any]],
        arguments: Mapping[str, Any] | None = None,
        *,
        is_dry_run: bool = False,
        ids: Sequence[UUID] = (),
    ) -> list[ItemEnd]:
        """Return the ends of ``items``, in their order; ``ids`` are those of their rows, by default new ones."""
        rows = [
            (
                OperationItem(
                    id=ids[number] if ids else uuid4(),
                    tenant_id=self.tenant.id,
                    operation_id=self.operation_id,
                    number=number,
                ),
                msgspec.convert(item, kind.item_type),
            )
            for number, item in enumerate(items)
        ]
        work: Work[Any] = Work(
            operation_id=self.operation_id,
            tenant=self.tenant,
            actor=self.actor,
            arguments=msgspec.convert(arguments or {}, kind.arguments_type),
            is_dry_run=is_dry_run,
            is_forced=False,
            record=self.recorded.extend,
        )
        with use_tenant(self.tenant):
            ends = kind.run(rows, work)
        assert [end.item_id for end in ends] == [row.id for row, _ in rows]
        return ends

    def stored(self, kind: Kind[Any, Any], ends: Sequence[ItemEnd]) -> list[dict[str, Any]]:
        """Store the operation with ``ends`` as the engine does; return the items that take it back."""
        with use_tenant(self.tenant):
            BatchOperation.objects.create(
                id=self.operation_id,
                tenant_id=self.tenant.id,
                kind=kind.code,
                arguments=b"",
                total=len(ends),
                created_by_type=self.actor.type,
                created_by_id=self.actor.id,
                source="api",
                created_at=timezone.now(),
                finished_at=timezone.now(),
            )
            OperationItem.objects.bulk_create(
                OperationItem(
                    id=end.item_id,
                    tenant_id=self.tenant.id,
                    operation_id=self.operation_id,
                    number=number,
                    input=b"",
                    state=ItemState.FAILED if end.refusal else ItemState.COMPLETED,
                    undo=end.undo,
                    copy_id=end.copy_id,
                )
                for number, end in enumerate(ends)
            )
            return [
                msgspec.to_builtins(item) for item in items_to_undo(BatchOperation.objects.get(pk=self.operation_id))
            ]

    def next(self) -> KindRun:
        """Return another operation of the same author."""
        return KindRun(self.tenant, self.actor)

    def undo(self, kind: Kind[Any, Any], ends: Sequence[ItemEnd], *, is_dry_run: bool = False) -> Undone:
        """Take the operation back, of which ``ends`` are stored first; return the undo and its ends by copy."""
        items = self.stored(kind, ends)
        run = self.next()
        arguments = {"operation_id": str(self.operation_id)}
        done = run.run(Undo(), items, arguments, is_dry_run=is_dry_run) if items else []
        return Undone(run, {end.copy_id: end for end in done if end.copy_id})


class Undone(NamedTuple):
    """An undo with its ends, by copy."""

    run: KindRun
    ends: dict[UUID, ItemEnd]


def without_ids(ends: Sequence[ItemEnd]) -> list[ItemEnd]:
    """Return ``ends`` as a dry run and its run have them alike."""
    return [msgspec.structs.replace(end, item_id=UUID(int=0)) for end in ends]
