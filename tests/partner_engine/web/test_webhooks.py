"""The pages of webhooks: the secret shown once, actions, deliveries with their attempts, the notice of a disabled
endpoint.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from tenants.access import Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.webhook_fixtures import deliver, own_network, receiver  # noqa: F401 - fixtures
from tests.harness.webhook_receiver import Receiver
from webhooks.models import DisabledReason, WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_page(owner: User, sign_in: Any) -> Client:
    """Return the browser of harbor's administrator."""
    owner.role = Role.TENANT_ADMIN
    owner.save()
    return sign_in(owner)


@pytest.fixture
def endpoint(admin_page: Client, harbor: Tenant, receiver: Receiver) -> tuple[WebhookEndpoint, str]:  # noqa: F811
    """Return an endpoint that was added on the page, and the page that first showed it."""
    response = admin_page.post(
        "/settings/webhooks/add", {"url": receiver.url("/page"), "description": "CRM", "event_types": ["*"]}
    )
    assert response.status_code == 200
    with use_tenant(harbor):
        return WebhookEndpoint.objects.get(), response.content.decode()


def test_an_endpoint_is_added_and_its_secret_is_shown_once(
    admin_page: Client, endpoint: tuple[WebhookEndpoint, str]
) -> None:
    found, first = endpoint
    [secret] = re.findall(r"whsec_[\w+/=]+", first)

    assert Webhook(secret)
    listed = admin_page.get("/settings/webhooks").content.decode()
    shown = admin_page.get(f"/settings/webhooks/{found.id}").content.decode()
    assert found.url in listed and found.url in shown
    assert "whsec_" not in listed + shown


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"url": "https://169.254.169.254/", "event_types": ["*"]}, "must be on the public internet"),
        ({"url": "ftp://x.example.com/", "event_types": ["*"]}, "must start with https://"),
        ({"url": "https://hooks.example.com/<b>"}, "Choose at least one"),
    ],
)
def test_invalid_input_is_reported_and_stays_in_the_form(given: Any, text: str, admin_page: Client) -> None:
    response = admin_page.post("/settings/webhooks/add", given)

    page = response.content.decode()
    assert response.status_code == 422
    assert text in page
    assert given["url"].replace("<", "&lt;").replace(">", "&gt;") in page


def test_a_test_is_sent_and_its_attempt_shown_and_it_is_replayed(
    admin_page: Client,
    endpoint: tuple[WebhookEndpoint, str],
    harbor: Tenant,
    deliver: Any,  # noqa: F811
) -> None:
    address = f"/settings/webhooks/{endpoint[0].id}"

    sent = admin_page.post(f"{address}/order", {"order": "test"})
    expecting = admin_page.get(sent["Location"]).content.decode()
    deliver()

    assert (sent.status_code, sent["Location"]) == (302, f"{address}?notice=test")
    page = admin_page.get(sent["Location"]).content.decode()
    # The page looks for the response by itself, until it is there.
    assert "hx-trigger" in expecting and "hx-trigger" not in page
    assert "A test event is on its way" in page and "Delivered" in page and "thank you" in page
    with use_tenant(harbor):
        event = WebhookDelivery.objects.get().payload_id
    for fields in ({"event": str(event)}, {"hours": "1"}):
        admin_page.post(f"{address}/order", {"order": "replay", **fields})
        assert "Waiting" in admin_page.get(address).content.decode()
        assert deliver() == 1
    assert admin_page.post(f"{address}/order", {"order": "replay", "event": "x"}).status_code == 404


def test_it_is_disabled_rotated_and_removed(
    admin_page: Client, endpoint: tuple[WebhookEndpoint, str], harbor: Tenant
) -> None:
    found, first = endpoint
    address = f"/settings/webhooks/{found.id}"

    admin_page.post(f"{address}/order", {"order": "off"})
    off = admin_page.get(address).content.decode()
    refused = admin_page.post(f"{address}/order", {"order": "test"})
    admin_page.post(f"{address}/order", {"order": "on"})
    rotated = admin_page.post(f"{address}/order", {"order": "rotate"}).content.decode()

    assert "turned off by hand" in off and ">Send a test<" not in off
    assert refused.status_code == 409
    assert re.findall(r"whsec_[\w+/=]+", rotated) != re.findall(r"whsec_[\w+/=]+", first)
    assert "Events are also signed with the previous secret" in rotated
    assert admin_page.post(f"{address}/order", {"order": "explode"}).status_code == 422
    admin_page.post(f"{address}/order", {"order": "remove"})
    assert admin_page.get(address).status_code == 404
    with use_tenant(harbor):
        assert WebhookEndpoint.objects.count() == 0


def test_administrators_see_a_notice_of_a_disabled_endpoint(
    admin_page: Client, endpoint: tuple[WebhookEndpoint, str], harbor: Tenant, member: User, sign_in: Any
) -> None:
    assert "no longer sent" not in admin_page.get("/").content.decode()

    with use_tenant(harbor):
        WebhookEndpoint.objects.update(disabled_at=timezone.now(), disabled_reason=DisabledReason.FAILING)

    for address in ("/", "/settings/webhooks"):
        page = admin_page.get(address).content.decode()
        assert "no longer sent" in page and "every attempt failed for 120 hours" in page
    assert "no longer sent" not in sign_in(member).get("/").content.decode()


def test_events_of_test_forms_are_left_out_on_the_page(
    admin_page: Client, endpoint: tuple[WebhookEndpoint, str], harbor: Tenant, receiver: Receiver  # noqa: F811
) -> None:  # fmt: skip
    found, _ = endpoint
    address = f"/settings/webhooks/{found.id}/order"

    def has_test_forms() -> bool:
        with use_tenant(harbor):
            return WebhookEndpoint.objects.get(pk=found.pk).has_test_forms

    assert has_test_forms()
    admin_page.post(address, {"order": "tests-off"})
    assert not has_test_forms() and "without test forms" in admin_page.get("/settings/webhooks").content.decode()
    admin_page.post(address, {"order": "tests-on"})
    assert has_test_forms()

    body = {"url": receiver.url("/other"), "event_types": ["*"], "without_test_forms": "yes"}
    admin_page.post("/settings/webhooks/add", body)
    with use_tenant(harbor):
        assert not WebhookEndpoint.objects.exclude(pk=found.pk).get().has_test_forms
