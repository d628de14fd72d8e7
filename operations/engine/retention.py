"""Retention of operations: those that have ended are kept for some days, with their items, and then deleted."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from operations.batch_models import BatchOperation, OperationItem


def old_operations() -> QuerySet[BatchOperation]:
    """Return the operations that ended too long ago; those without items, so that items go first, in portions."""
    items = OperationItem.objects.filter(operation_id=OuterRef("pk"))
    return _ended_too_long_ago().filter(~Exists(items))


def old_items() -> QuerySet[OperationItem]:
    """Return the items of operations that ended too long ago."""
    return OperationItem.objects.filter(operation_id__in=_ended_too_long_ago().values("pk"))


def _ended_too_long_ago() -> QuerySet[BatchOperation]:
    kept = timedelta(days=settings.OPERATIONS.retention_days)
    return BatchOperation.objects.filter(finished_at__lt=Now() - kept)
