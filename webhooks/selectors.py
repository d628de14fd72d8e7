"""Reads of webhooks within the current tenant scope."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from webhooks.models import DisabledReason, WebhookAttempt, WebhookDelivery, WebhookEndpoint

#: Number of attempts shown per delivery, the latest first.
ATTEMPTS_SHOWN = 20


class NoSuchEndpoint(Exception):
    """The caller's tenant has no such webhook endpoint."""

    def __init__(self) -> None:
        super().__init__("There is no such webhook endpoint.")


def access_endpoint(endpoint_id: UUID) -> WebhookEndpoint:
    """Return the endpoint. Raises ``NoSuchEndpoint``, also for another tenant's."""
    found: WebhookEndpoint | None = WebhookEndpoint.objects.filter(pk=endpoint_id).first()
    if found is None:
        raise NoSuchEndpoint
    return found


def list_endpoints() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints, the oldest first."""
    return WebhookEndpoint.objects.order_by("created_at", "id")


def list_disabled_by_product() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that the product disabled by itself and whose owners must be notified."""
    return list_endpoints().filter(disabled_reason__in=[DisabledReason.GONE, DisabledReason.FAILING])


def list_deliveries(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """Return the endpoint's deliveries with payload and attempts (``shown_attempts``), the latest first."""
    attempts = WebhookAttempt.objects.order_by("-created_at", "-id")
    return (
        WebhookDelivery.objects.filter(endpoint=endpoint)
        .select_related("payload")
        .prefetch_related(Prefetch("log", queryset=attempts[:ATTEMPTS_SHOWN], to_attr="shown_attempts"))
        .order_by("-created_at", "-id")
    )
