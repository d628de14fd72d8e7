"""Reads of webhooks: what of them may be seen in the scope in force."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from webhooks.models import DisabledReason, WebhookAttempt, WebhookDelivery, WebhookEndpoint

#: How many attempts of one delivery are shown, the latest.
ATTEMPTS_SHOWN = 20


class NoSuchEndpoint(Exception):
    """There is no such webhook endpoint at the caller's tenant."""

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


def list_given_up() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that the product disabled by itself: their owners have to be told."""
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
