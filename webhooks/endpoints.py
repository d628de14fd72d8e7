"""Changes of a tenant's webhook endpoints: add, edit, rotate the secret, disable and enable, test, replay.

Everything runs in the tenant's scope; the caller has checked the rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import router, transaction
from django.db.models.functions import Now
from django.utils import timezone
from uuid_utils.compat import uuid7

from tenants.access import Actor
from tenants.history import DELETED, record
from tenants.models import Tenant
from webhooks.claims import database_time
from webhooks.event_types import ALL, TEST, event_body, is_event_pattern
from webhooks.models import (
    DeliveryState,
    DisabledReason,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookPayload,
)
from webhooks.signatures import new_secret, seal_secret
from webhooks.ssrf import guard_of
from webhooks.wakeup import wake_deliveries

MOST_ENDPOINTS: Final = 20
MOST_EVENT_TYPES: Final = 50
#: How long the previous secret still signs after a rotation.
ROTATION: Final = timedelta(hours=24)

log = structlog.get_logger("partner_engine.audit")


class UnknownEventType(Exception):
    """The event type does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no event type {name[:80]!r}. Use a type from the documentation, or '*' for all.")


class TooManyEndpoints(Exception):
    """The tenant has reached its limit of endpoints."""

    def __init__(self) -> None:
        super().__init__(f"A tenant can have at most {MOST_ENDPOINTS} webhook endpoints. Remove one first.")


class EndpointIsDisabled(Exception):
    """The endpoint is disabled and receives nothing until it is enabled."""

    def __init__(self) -> None:
        super().__init__("The webhook endpoint is turned off. Turn it on first.")


def add(
    url: str,
    *,
    tenant: Tenant,
    actor: Actor,
    event_types: Sequence[str],
    description: str = "",
    has_test_forms: bool = True,
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint; return it and its secret, which is shown nowhere else.

    Raises ``RefusedAddress``, ``UnknownEventType`` or ``TooManyEndpoints``.
    """
    check_url(url)
    chosen = checked_event_types(event_types)
    if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    endpoint = WebhookEndpoint(
        tenant_id=tenant.id,
        url=url,
        description=description,
        event_types=chosen,
        has_test_forms=has_test_forms,
        created_at=timezone.now(),
        created_by=actor.label or actor.id,
    )
    secret = new_secret()
    endpoint.secret = seal_secret(secret, endpoint)
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint.save(force_insert=True)
    _note("added", endpoint, actor)
    return endpoint, secret


def change(
    endpoint: WebhookEndpoint,
    *,
    actor: Actor,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
    has_test_forms: bool | None = None,
) -> None:
    """Change the submitted fields. Raises ``RefusedAddress`` or ``UnknownEventType``, and then changes nothing."""
    if url is not None:
        check_url(url)
        endpoint.url = url
    if event_types is not None:
        endpoint.event_types = checked_event_types(event_types)
    if description is not None:
        endpoint.description = description
    if has_test_forms is not None:
        endpoint.has_test_forms = has_test_forms
    _save(endpoint, "url", "event_types", "description", "has_test_forms")
    _note("changed", endpoint, actor)


def switch(endpoint: WebhookEndpoint, *, on: bool, actor: Actor) -> None:
    """Enable or disable the endpoint. An enabled endpoint starts without failures."""
    if on == (endpoint.disabled_at is None):
        return
    endpoint.disabled_at = None if on else timezone.now()
    endpoint.disabled_reason = "" if on else DisabledReason.BY_HAND
    endpoint.failures = 0
    endpoint.failing_since = endpoint.last_failure_at = endpoint.paused_until = None
    _save(
        endpoint, "disabled_at", "disabled_reason", "failures", "failing_since", "last_failure_at", "paused_until"
    )  # fmt: skip
    _note("switched_on" if on else "switched_off", endpoint, actor)


def rotate_secret(endpoint: WebhookEndpoint, *, actor: Actor) -> str:
    """Create a new secret for the endpoint and return it; the previous one also signs for 24 hours."""
    secret = new_secret()
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_secret_until = timezone.now() + ROTATION
    endpoint.secret = seal_secret(secret, endpoint)
    _save(endpoint, "secret", "previous_secret", "previous_secret_until")
    _note("secret_rotated", endpoint, actor)
    return secret


def remove(endpoint: WebhookEndpoint, *, actor: Actor) -> None:
    """Remove the endpoint with its deliveries and their log."""
    alias = router.db_for_write(WebhookEndpoint)
    chosen = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    deliveries = WebhookDelivery.objects.filter(endpoint=endpoint)
    with transaction.atomic(using=alias):
        # Lock the endpoint first, as the delivery loop does. Without Django's cascade, which would read all rows, up to
        # a month of them, before it deletes them.
        list(chosen.select_for_update())
        WebhookAttempt.objects.filter(delivery__in=deliveries)._raw_delete(alias)
        deliveries._raw_delete(alias)
        chosen._raw_delete(alias)
        record(endpoint, DELETED, using=alias)
    _note("removed", endpoint, actor)


def _save(endpoint: WebhookEndpoint, *fields: str) -> None:
    """Write the fields at once with their history."""
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint.save(update_fields=fields)


def send_test(endpoint: WebhookEndpoint, *, actor: Actor) -> WebhookDelivery:
    """Send a ``webhook.test`` event to the endpoint. Raises ``EndpointIsDisabled``."""
    if endpoint.disabled_at is not None:
        raise EndpointIsDisabled
    alias, identity = router.db_for_write(WebhookDelivery), uuid7()
    now = database_time(alias)
    with transaction.atomic(using=alias):
        payload = WebhookPayload.objects.create(
            id=identity,
            tenant_id=endpoint.tenant_id,
            event_type=TEST,
            body=event_body(TEST, timestamp=now, data={"endpoint_id": str(endpoint.id)}),
            created_at=now,
        )
        delivery: WebhookDelivery = WebhookDelivery.objects.create(
            tenant_id=endpoint.tenant_id, endpoint=endpoint, payload=payload, next_attempt_at=now, created_at=now
        )
    wake_deliveries(router.db_for_write(WebhookDelivery))
    _note("tested", endpoint, actor)
    return delivery


def replay(
    endpoint: WebhookEndpoint,
    *,
    actor: Actor,
    event_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Send one event, or all events from ``since`` to before ``until``, once more; return how many.

    They keep their ids and get a new timestamp. Pending deliveries are left unchanged. Raises ``EndpointIsDisabled``.
    """
    if endpoint.disabled_at is not None:
        raise EndpointIsDisabled
    chosen = WebhookDelivery.objects.filter(endpoint=endpoint).exclude(state=DeliveryState.PENDING)
    if event_id is not None:
        chosen = chosen.filter(payload_id=event_id)
    if since is not None:
        chosen = chosen.filter(created_at__gte=since)
    if until is not None:
        chosen = chosen.filter(created_at__lt=until)
    replayed = chosen.update(
        state=DeliveryState.PENDING, attempts=0, next_attempt_at=Now(), finished_at=None, leased_until=None
    )
    wake_deliveries(router.db_for_write(WebhookDelivery))
    _note("replayed", endpoint, actor, count=replayed)
    return replayed


def check_url(url: str) -> None:
    """Raise ``RefusedAddress`` unless this installation sends webhooks to such addresses."""
    guard_of(settings.WEBHOOK_ALLOWED_NETWORKS, settings.WEBHOOK_PORTS).check_url(url)


def checked_event_types(names: Sequence[str]) -> list[str]:
    """Return ``names`` in order and once each, or ``["*"]`` if that is among them. Raises ``UnknownEventType``."""
    chosen = sorted(set(names))[:MOST_EVENT_TYPES]
    for name in chosen:
        if not is_event_pattern(name):
            raise UnknownEventType(name)
    if not chosen:
        raise UnknownEventType("")
    return [ALL] if ALL in chosen else chosen


def _note(what: str, endpoint: WebhookEndpoint, actor: Actor, **details: int) -> None:
    log.info(
        f"audit.webhook_endpoint_{what}",
        endpoint=str(endpoint.id),
        actor_type=actor.type,
        actor_id=actor.id,
        source=actor.source,
        **details,
    )
