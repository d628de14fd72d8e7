"""Webhooks in the admin: visible and hidden values, and the actions of staff."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tenants.access import Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.webhook_fixtures import add_endpoint, deliver, own_network, publish_event, receiver  # noqa: F401
from tests.harness.webhook_receiver import Receiver
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db

ENDPOINTS, DELIVERIES = "admin:webhooks_webhookendpoint_changelist", "admin:webhooks_webhookdelivery_changelist"


@pytest.fixture
def endpoint(
    add_endpoint: Any,  # noqa: F811
    publish_event: Any,  # noqa: F811
    deliver: Any,  # noqa: F811
    receiver: Receiver,  # noqa: F811
) -> WebhookEndpoint:
    """Return an endpoint that received one event."""
    found, _ = add_endpoint(receiver.url("/admin"))
    publish_event()
    assert deliver() == 1
    return found


def read_again(endpoint: WebhookEndpoint, tenant: Tenant) -> WebhookEndpoint:
    with use_tenant(tenant):
        return WebhookEndpoint.objects.get(pk=endpoint.pk)


def order(client: Client, page: str, action: str, pk: object) -> Any:
    return client.post(reverse(page), {"action": action, "_selected_action": [str(pk)]}, follow=True)


def test_staff_see_endpoint_delivery_and_attempts_but_no_secret(
    endpoint: WebhookEndpoint, harbor: Tenant, admin: Client
) -> None:
    with use_tenant(harbor):
        delivery = WebhookDelivery.objects.get()

    pages = [
        admin.get(reverse(ENDPOINTS)),
        admin.get(reverse("admin:webhooks_webhookendpoint_change", args=[endpoint.pk])),
        admin.get(reverse(DELIVERIES)),
        admin.get(reverse("admin:webhooks_webhookdelivery_change", args=[delivery.pk])),
    ]

    assert [page.status_code for page in pages] == [200] * 4
    assert all(endpoint.url in page.content.decode() for page in pages)
    assert "thank you" in pages[3].content.decode()
    assert "whsec_" not in "".join(page.content.decode() for page in pages)
    guessed = admin.get(reverse(ENDPOINTS), {"secret__startswith": "x"})
    assert guessed.status_code in (302, 400)


def test_staff_disable_enable_and_replay(
    endpoint: WebhookEndpoint,
    harbor: Tenant,
    admin: Client,
    deliver: Any,  # noqa: F811
) -> None:
    with use_tenant(harbor):
        delivery = WebhookDelivery.objects.get()

    order(admin, DELIVERIES, "replay", delivery.pk)
    assert deliver() == 1
    order(admin, ENDPOINTS, "switch_off", endpoint.pk)
    assert read_again(endpoint, harbor).disabled_reason == "by_hand"
    order(admin, DELIVERIES, "replay", delivery.pk)
    assert deliver() == 0
    order(admin, ENDPOINTS, "switch_on", endpoint.pk)
    assert read_again(endpoint, harbor).disabled_at is None


def test_read_only_staff_change_nothing(endpoint: WebhookEndpoint, harbor: Tenant, sign_in: Any) -> None:
    looker = User.objects.create_user("looker@partner-engine.example", "x", role=Role.STAFF, is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename="view_webhookendpoint"))
    client = sign_in(looker)

    assert "Turn off" not in client.get(reverse(ENDPOINTS)).content.decode()
    order(client, ENDPOINTS, "switch_off", endpoint.pk)

    assert read_again(endpoint, harbor).disabled_at is None
