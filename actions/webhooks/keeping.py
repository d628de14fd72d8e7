"""How long webhooks are kept: events with their deliveries and attempts, for a log and for replays."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef

from actions.webhooks.claiming import database_time
from actions.webhooks.models import DeliveryState, WebhookDelivery, WebhookPayload

KEPT: Final = timedelta(days=30)
_AT_ONCE: Final = 500
_TURNS: Final = 100


def delete_old_webhooks(alias: str) -> int:
    """Delete events older than ``KEPT`` of which nothing is still to be sent; return how many rows went. What waits for
    an endpoint that is off does not keep them.

    The scope is the database ``alias``, of all its tenants.
    """
    pending = WebhookDelivery.objects.filter(payload=OuterRef("pk"), state=DeliveryState.PENDING)
    waiting = pending.filter(endpoint__disabled_at=None)
    old = WebhookPayload.objects.filter(~Exists(waiting), created_at__lt=database_time(alias) - KEPT)
    deleted = 0
    for _ in range(_TURNS):
        ids = list(old.order_by("created_at").values_list("id", flat=True)[:_AT_ONCE])
        if not ids:
            break
        deleted += WebhookPayload.objects.filter(id__in=ids).delete()[0]
    return deleted
