"""Submits the undo of an operation: a new operation over the items that changed something."""

from __future__ import annotations

from uuid import UUID

from operations.kinds import registry
from operations.kinds.undoing import Undo, items_to_undo
from operations.models import BatchOperation, OperationItem
from operations.submission.errors import NotUndoable
from operations.submission.order import NewOperation, Options, Submitted
from operations.submission.selectors import access_operation
from operations.submission.submit import submit
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


def undo(operation_id: UUID, *, tenant: Tenant, actor: Actor, is_dry_run: bool = False) -> Submitted:
    """Submit the undo of an operation that has ended; call ``start`` after the commit.

    Raises ``OperationNotFound``, ``NotUndoable`` with the reason, and what ``submit`` raises.
    """
    with use_tenant(tenant):
        operation = access_operation(operation_id)
        kind = registry.KINDS.get(operation.kind)
        if kind is not None:
            actor.require(kind.right)
        _require_undoable(operation)
        items = list(items_to_undo(operation))
        if not items:
            raise NotUndoable("The operation changed nothing, so there is nothing to undo.")
        order = NewOperation(
            kind=Undo.code,
            items=items,
            arguments={"operation_id": str(operation.id)},
            options=Options(dry_run=is_dry_run),
            title=f"Undo of {operation.title or (kind.title if kind else operation.kind)}"[:200],
            undoes=operation.id,
            most_items=len(items) + 1,
        )
        return submit(order, tenant=tenant, actor=actor)


def _require_undoable(operation: BatchOperation) -> None:
    """Raise ``NotUndoable`` with the reason if ``operation`` cannot be undone now."""
    kind = registry.KINDS.get(operation.kind)
    if kind is None or not kind.can_undo:
        title = kind.title if kind else operation.kind
        raise NotUndoable(f"Operations of the kind {title!r} cannot be undone.")
    if operation.is_dry_run:
        raise NotUndoable("A dry run changed nothing, so there is nothing to undo.")
    if operation.finished_at is None:
        raise NotUndoable("The operation has not ended. Cancel it or wait until it has ended, then undo it.")
    earlier = BatchOperation.objects.filter(undoes=operation.id, is_dry_run=False)
    if earlier.filter(finished_at=None).exists():
        raise NotUndoable("Another undo of this operation is waiting or running. Wait until it has ended.")
    if operation.completed and not OperationItem.objects.filter(operation_id=operation.id).exists():
        raise NotUndoable("The items of this operation were deleted after their time, so it cannot be undone.")
