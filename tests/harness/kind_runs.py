"""Runs a kind on items without the engine: what it records, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import msgspec

from operations.kinds.kind import ItemEnd, Kind, Work
from operations.models import OperationItem
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


def without_ids(ends: Sequence[ItemEnd]) -> list[ItemEnd]:
    """Return ``ends`` as a dry run and its run have them alike."""
    return [msgspec.structs.replace(end, item_id=UUID(int=0)) for end in ends]
