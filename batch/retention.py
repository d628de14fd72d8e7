"""Retention of the batch's tables."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.functions import Now

from batch.idempotency import KEPT
from batch.models import IdempotencyRecord


def old_responses() -> QuerySet[IdempotencyRecord]:
    """Return the stored responses of keyed requests that are no longer repeated."""
    return IdempotencyRecord.objects.filter(created_at__lt=Now() - KEPT)
