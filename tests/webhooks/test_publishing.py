"""Events that the relay publishes at once are stored like single ones."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from actions.kinds import PublishWebhook
from actions.registry import Delivered
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from webhooks.feed import ENDPOINTS, STORE
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


def test_events_are_stored_with_their_deliveries_by_one_statement(
    harbor: Tenant, add_endpoint: Callable[..., Any]
) -> None:
    endpoint, _ = add_endpoint("https://every.example/hook")
    events = [event(harbor, "copy.renamed") for _ in range(3)]

    with use_tenant(harbor), CaptureQueriesContext(connection) as queries:
        publish_many(events)

    assert [plan.name in query["sql"] for plan, query in zip((ENDPOINTS, STORE), queries, strict=True)] == [True, True]
    with use_tenant(harbor):
        payloads = list(WebhookPayload.objects.order_by("position"))
        deliveries = {delivery.payload_id: delivery for delivery in WebhookDelivery.objects.all()}
    places = [payload.position for payload in payloads]
    assert places == list(range(places[0], places[0] + 3))
    for action, payload in zip(events, payloads, strict=True):
        delivery = deliveries[payload.id]
        assert (payload.id, payload.event_type, payload.created_at) == (action.id, "copy.renamed", action.created_at)
        assert (payload.version, payload.correlation_id, payload.is_test) == (3, "c-1", False)
        assert (delivery.endpoint_id, delivery.state, delivery.attempts) == (endpoint.id, "pending", 0)
        assert (delivery.next_attempt_at, delivery.created_at) == (action.created_at, action.created_at)
        assert (delivery.tenant_id, delivery.leased_until, delivery.finished_at) == (harbor.id, None, None)


def test_an_event_that_is_stored_already_gets_no_delivery_for_a_later_endpoint(
    harbor: Tenant, add_endpoint: Callable[..., Any]
) -> None:
    first, second = event(harbor, "copy.renamed"), event(harbor, "copy.locked")
    with use_tenant(harbor):
        publish_many([first])
    add_endpoint("https://every.example/hook")

    with use_tenant(harbor):
        publish_many([second, first])

    assert stored(harbor) == [first.id, second.id]
    with use_tenant(harbor):
        assert list(WebhookDelivery.objects.values_list("payload_id", flat=True)) == [second.id]


def test_the_migration_creates_the_functions_of_the_program() -> None:
    created = import_module("webhooks.migrations.0002_kept_plans").FUNCTIONS

    assert created == [plan.name for plan in (ENDPOINTS, STORE)]
