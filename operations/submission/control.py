"""Orders to a submitted operation: pause, resume, cancel, retry, each with its right, the flag and the room."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from operations.engine import orders
from operations.kinds.registry import UnknownKind, kind_named
from operations.models import BatchOperation
from operations.submission.room import count_items, lock_room, require_on, require_room
from operations.submission.selectors import access_operation
from operations.wakeup import wake_workers
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


def pause(operation_id: UUID, *, tenant: Tenant, actor: Actor) -> BatchOperation:
    """Pause an operation; return it as it is then. Raises ``OperationNotFound``, ``OperationHasEnded``."""
    with use_tenant(tenant):
        operation = _controlled(operation_id, actor=actor)
        orders.pause(operation, actor=actor)
        return access_operation(operation_id)


def cancel(operation_id: UUID, *, tenant: Tenant, actor: Actor) -> BatchOperation:
    """Cancel an operation; return it as it is then. Raises ``OperationNotFound``, ``OperationHasEnded``."""
    with use_tenant(tenant):
        operation = _controlled(operation_id, actor=actor)
        orders.cancel(operation, actor=actor)
        return access_operation(operation_id)


def resume(operation_id: UUID, *, tenant: Tenant, actor: Actor) -> BatchOperation:
    """Resume a paused operation; return it as it is then. Raises ``OperationNotFound``, ``OperationsAreOff``,
    ``OperationIsNotPaused``.
    """
    with use_tenant(tenant):
        operation = _controlled(operation_id, actor=actor)
        require_on(tenant=tenant, actor=actor)
        orders.resume(operation, actor=actor)
        resumed = access_operation(operation_id)
    wake_workers(tenant.database_alias)
    return resumed


def retry(
    operation_id: UUID, *, tenant: Tenant, actor: Actor, numbers: Collection[int] | None = None, force: bool = False
) -> int:
    """Queue failed items again, all or those with ``numbers``; return how many. Raises ``OperationNotFound``,
    ``OperationsAreOff``, ``TooManyOperations``, ``NothingToRetry``, ``RateLimited``.
    """
    with use_tenant(tenant), transaction.atomic(using=tenant.database_alias):
        operation = _controlled(operation_id, actor=actor)
        require_on(tenant=tenant, actor=actor)
        if operation.finished_at is not None:
            lock_room(tenant=tenant)
            require_room(tenant=tenant, actor=actor)
        number = orders.retry(operation, actor=actor, numbers=numbers, force=force)
        # One too many undoes the retry with this transaction.
        count_items(number, tenant=tenant, actor=actor)
    wake_workers(tenant.database_alias)
    return number


def _controlled(operation_id: UUID, *, actor: Actor) -> BatchOperation:
    """Return an operation that ``actor`` may control: with the right that its kind needs."""
    operation = access_operation(operation_id)
    try:
        actor.require(kind_named(operation.kind).right)
    except UnknownKind:
        actor.require(Right.WRITE_FORMS)
    return operation
