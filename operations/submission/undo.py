"""Submits the undo of an operation: a new operation over the items that changed something."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from operations.kinds import registry
from operations.models import BatchOperation, ItemState, OperationItem
from operations.submission.errors import NotUndoable
from operations.submission.order import NewOperation, Options, Submitted
from operations.submission.selectors import access_operation
from operations.submission.submit import submit
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The kind that undoes others.
UNDO: Final = "undo"


def undo(operation_id: UUID, *, tenant: Tenant, actor: Actor, is_dry_run: bool = False) -> Submitted:
    """Submit the undo of an operation that has ended; call ``start`` after the commit.

    Raises ``OperationNotFound``, ``NotUndoable`` with the reason, and what ``submit`` raises.
    """
    with use_tenant(tenant):
        operation = access_operation(operation_id)
        kind = registry.KINDS.get(operation.kind)
        if kind is not None:
            actor.require(kind.right)
        items = _items(operation)
        order = NewOperation(
            kind=UNDO,
            items=items,
            options=Options(dry_run=is_dry_run),
            title=f"Undo of {operation.title or (kind.title if kind else operation.kind)}"[:200],
            undoes=operation.id,
            most_items=len(items) + 1,
        )
        return submit(order, tenant=tenant, actor=actor)


def _items(operation: BatchOperation) -> list[dict[str, Any]]:
    """Return the items of the undo in the reverse order of the operation. Raises ``NotUndoable``."""
    kind = registry.KINDS.get(operation.kind)
    if kind is None or not kind.can_undo or UNDO not in registry.KINDS:
        title = kind.title if kind else operation.kind
        raise NotUndoable(f"Operations of the kind {title!r} cannot be undone.")
    if operation.is_dry_run:
        raise NotUndoable("A dry run changed nothing, so there is nothing to undo.")
    if operation.finished_at is None:
        raise NotUndoable("The operation has not ended. Cancel it or wait until it has ended, then undo it.")
    earlier = BatchOperation.objects.filter(undoes=operation.id, is_dry_run=False)
    if earlier.filter(finished_at=None).exists():
        raise NotUndoable("Another undo of this operation is waiting or running. Wait until it has ended.")
    rows = OperationItem.objects.filter(operation_id=operation.id)
    if operation.completed and not rows.exists():
        raise NotUndoable("The items of this operation were deleted after their time, so it cannot be undone.")
    changed = rows.filter(state=ItemState.COMPLETED).exclude(undo=None).order_by("-number")
    items = [{"item_id": str(item_id)} for item_id in changed.values_list("id", flat=True)]
    if not items:
        raise NotUndoable("The operation changed nothing, so there is nothing to undo.")
    return items
