"""Events that the relay publishes at once are stored like single ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from actions.kinds import PublishWebhook
from actions.registry import Delivered
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookPayload
from webhooks.payloads import publish_many

pytestmark = pytest.mark.django_db


def event(tenant: Tenant, event_type: str, **facts: Any) -> Delivered:
    order = PublishWebhook(
        event_type=event_type, copy_id=str(uuid7()), application_form_id=str(uuid7()), version=3, data={}, **facts
    )
    return Delivered(
        id=uuid7(), kind=order.kind, payload=order.payload(), payload_version=order.payload_version, tenant=tenant,
        copy_id=None, version=3, correlation_id="c-1", attempt=1, created_at=timezone.now(),
    )  # fmt: skip


def stored(tenant: Tenant) -> list[UUID]:
    with use_tenant(tenant):
        return list(WebhookPayload.objects.order_by("position").values_list("pk", flat=True))


def test_each_event_gets_a_place_in_the_feed_and_its_own_deliveries(
    harbor: Tenant, add_endpoint: Callable[..., Any]
) -> None:
    every, _ = add_endpoint("https://every.example/hook")
    renames, _ = add_endpoint("https://renames.example/hook", "copy.renamed")
    with use_tenant(harbor):
        WebhookEndpoint.objects.filter(pk=renames.pk).update(has_test_forms=False)
    events = [
        event(harbor, "copy.renamed"), event(harbor, "copy.locked"), event(harbor, "copy.renamed", is_test=True),
    ]  # fmt: skip

    with use_tenant(harbor):
        publish_many(events)

    renamed, locked, tried = (action.id for action in events)
    assert stored(harbor) == [renamed, locked, tried]
    with use_tenant(harbor):
        assert set(WebhookDelivery.objects.values_list("payload_id", "endpoint_id")) == {
            (renamed, every.id), (renamed, renames.id), (locked, every.id), (tried, every.id),
        }  # fmt: skip


def test_events_that_are_stored_already_are_left_as_they_are(harbor: Tenant, add_endpoint: Callable[..., Any]) -> None:
    add_endpoint("https://every.example/hook")
    first, second = event(harbor, "copy.renamed"), event(harbor, "copy.locked")

    with use_tenant(harbor):
        publish_many([first])
        publish_many([first, second])
        publish_many([first, second])

    assert stored(harbor) == [first.id, second.id]
    with use_tenant(harbor):
        assert WebhookDelivery.objects.count() == 2
