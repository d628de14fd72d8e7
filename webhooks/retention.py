"""How long webhooks are kept: events with their deliveries and attempts, for a log and for replays."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from webhooks.models import DeliveryState, WebhookDelivery, WebhookPayload

KEPT: Final = timedelta(days=30)


def old_webhooks() -> QuerySet[WebhookPayload]:
    """Return events older than ``KEPT`` of which nothing is still to be sent; what waits for an endpoint that is off
    does not keep them.
    """
    pending = WebhookDelivery.objects.filter(payload=OuterRef("pk"), state=DeliveryState.PENDING)
    waiting = pending.filter(endpoint__disabled_at=None)
    return WebhookPayload.objects.filter(~Exists(waiting), created_at__lt=Now() - KEPT)
