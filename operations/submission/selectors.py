"""Reads of the operations of the current tenant."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from operations.errors import OperationNotFound
from operations.models import BatchOperation
from tenants.access import Actor


def access_operation(operation_id: UUID) -> BatchOperation:
    """Return the operation with this id. Raises ``OperationNotFound``, for those of other tenants too."""
    operation: BatchOperation | None = BatchOperation.objects.filter(pk=operation_id).first()
    if operation is None:
        raise OperationNotFound
    return operation


def list_operations(*, kind: str = "", by: Actor | None = None, is_open: bool = False) -> QuerySet[BatchOperation]:
    """Return operations without what was submitted: of one kind, of one actor, or only those that have not ended."""
    operations = BatchOperation.objects.defer("arguments", "rejections")
    if kind:
        operations = operations.filter(kind=kind)
    if by is not None:
        operations = operations.filter(created_by_type=by.type, created_by_id=by.id)
    return operations.filter(finished_at=None) if is_open else operations
