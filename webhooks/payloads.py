"""The handler of ``PublishWebhook``: one event becomes one payload and a delivery for every endpoint that wants it."""

from __future__ import annotations

from django.db import transaction

from actions.registry import Delivered
from webhooks.event_types import event_body, wants
from webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookPayload
from webhooks.wakeup import wake_deliveries


def publish(action: Delivered) -> None:
    """Store the event of ``action`` for every endpoint of the tenant that wants it; a second run changes nothing.

    Payload and deliveries come in one transaction, so whoever finds the payload finds all that there will be: an
    endpoint added later is not told of what was before it.
    """
    event_type = str(action.payload["event_type"])
    endpoints = [
        endpoint
        for endpoint in WebhookEndpoint.objects.filter(disabled_at=None).only("id", "event_types")
        if wants(endpoint.event_types, event_type)
    ]
    if not endpoints:
        return
    with transaction.atomic(using=action.tenant.database_alias):
        payload = _payload(action, event_type)
        if not WebhookPayload.objects.filter(pk=payload.id).exists():
            # Another run may come first even now: then the key refuses this one, which is tried again and finds it.
            payload.save(force_insert=True)
            WebhookDelivery.objects.bulk_create(
                WebhookDelivery(
                    tenant_id=action.tenant.id,
                    endpoint=endpoint,
                    payload=payload,
                    next_attempt_at=action.created_at,
                    created_at=action.created_at,
                )
                for endpoint in endpoints
            )
    wake_deliveries(action.tenant.database_alias)


def _payload(action: Delivered, event_type: str) -> WebhookPayload:
    told = action.payload
    data = {
        "copy_id": told["copy_id"],
        "application_form_id": told["application_form_id"],
        "version": told["version"],
        **told["data"],
    }
    return WebhookPayload(
        id=action.id,
        tenant_id=action.tenant.id,
        event_type=event_type,
        copy_id=action.copy_id,
        version=action.version,
        body=event_body(event_type, timestamp=action.created_at, data=data),
        correlation_id=action.correlation_id,
        created_at=action.created_at,
    )
