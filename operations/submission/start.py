"""Starts a stored operation: a small one at once, in the threads of this request; any other by the workers."""

from __future__ import annotations

from operations.engine.limits import MOST_AT_ONCE
from operations.engine.progress import announce
from operations.engine.small import run_at_once
from operations.models import BatchOperation, ItemState
from operations.wakeup import wake_workers
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


def start(operation: BatchOperation, *, tenant: Tenant) -> None:
    """Start ``operation``; call it after the commit that stored it."""
    with use_tenant(tenant):
        if operation.total <= MOST_AT_ONCE and operation.depends_on is None and operation.paused_at is None:
            items = run_at_once(operation)
            if any(item.state == ItemState.QUEUED for item in items):
                wake_workers(tenant.database_alias)
        else:
            wake_workers(tenant.database_alias)
            announce(operation.id, alias=tenant.database_alias, is_last=True)
