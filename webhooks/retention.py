"""Retention of webhooks: events with their deliveries and attempts, stored for the log and for replays."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from webhooks.models import DeliveryState, WebhookDelivery, WebhookPayload

KEPT: Final = timedelta(days=30)


def old_webhooks() -> QuerySet[WebhookPayload]:
    """Return events older than ``KEPT`` without pending deliveries; deliveries to a disabled endpoint do not count."""
    pending = WebhookDelivery.objects.filter(payload=OuterRef("pk"), state=DeliveryState.PENDING)
    waiting = pending.filter(endpoint__disabled_at=None)
    return WebhookPayload.objects.filter(~Exists(waiting), created_at__lt=Now() - KEPT)
