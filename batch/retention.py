"""What the batch's tables lose when it has served its time; registered with the hourly chores of ``actions``."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.functions import Now

from actions.maintenance import register_purge
from batch.idempotency import KEPT
from batch.models import IdempotencyRecord


def old_answers() -> QuerySet[IdempotencyRecord]:
    """Return the stored answers of keyed requests that are not given again."""
    return IdempotencyRecord.objects.filter(created_at__lt=Now() - KEPT)


def register_own_upkeep() -> None:
    """Register the upkeep of the batch's tables."""
    register_purge("stored answers", old_answers)
