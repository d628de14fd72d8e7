"""Whether an operation can be undone now, and by whom: for ``undo`` and for an order of the kind ``undo`` alike."""

from __future__ import annotations

from operations.kinds import registry
from operations.models import BatchOperation, OperationItem
from operations.submission.errors import NotUndoable
from tenants.access import Actor, Right


def require_undoable(operation: BatchOperation, *, actor: Actor) -> None:
    """Raise ``NotUndoable`` with the reason if ``operation`` cannot be undone now; the scope is its tenant's.

    Raises ``MissingRight`` unless ``actor`` has the right that its kind needs. Call it again in the transaction that
    stores an undo, under the lock of ``require_room``: of two undos at the same time one is refused.
    """
    kind = registry.KINDS.get(operation.kind)
    actor.require(kind.right if kind is not None else Right.WRITE_FORMS)
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
