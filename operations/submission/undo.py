"""Submits the undo of an operation: a new operation over the items that changed something."""

from __future__ import annotations

from uuid import UUID

from operations.kinds import registry
from operations.kinds.undoing import Undo, items_to_undo
from operations.submission.errors import NotUndoable
from operations.submission.order import NewOperation, Options, Submitted
from operations.submission.selectors import access_operation
from operations.submission.submit import submit
from operations.submission.undoable import require_undoable
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
        require_undoable(operation, actor=actor)
        items = list(items_to_undo(operation))
        if not items:
            raise NotUndoable("The operation changed nothing, so there is nothing to undo.")
        order = NewOperation(
            kind=Undo.code,
            items=items,
            arguments={"operation_id": str(operation.id)},
            options=Options(dry_run=is_dry_run),
            title=f"Undo of {operation.title or (kind.title if kind else operation.kind)}"[:200],
            most_items=len(items) + 1,
        )
        return submit(order, tenant=tenant, actor=actor)
