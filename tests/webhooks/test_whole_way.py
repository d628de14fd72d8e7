"""From a save to the partner's system through all parts; also for a tenant with its own database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from standardwebhooks import Webhook

from actions import relay
from actions.models import OutboxAction
from batch import service as batch
from catalogue.loader import load
from catalogue.models import Release
from catalogue.releases import publish
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.webhook_fixtures import ACTOR
from tests.harness.webhook_receiver import Receiver
from webhooks import claims, endpoints
from webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookPayload
from webhooks.tasks import deliver


@pytest.fixture
def kennels(db: None) -> Release:
    return publish(load(KENNELS), actor_id="test")


@pytest.mark.django_db(databases=["default", SECOND_DATABASE], transaction=True)
@pytest.mark.parametrize("has_own_database", [False, True])
def test_the_tasks_alone_deliver_a_save_to_the_tenants_endpoint(
    has_own_database: bool, receiver: Receiver, kennels: Release
) -> None:
    alias = SECOND_DATABASE if has_own_database else "default"
    tenant = Tenant.objects.create(
        code="told", name="Told", catalogue="kennels", database=SECOND_DATABASE if has_own_database else ""
    )
    path = f"/whole-way-{alias}"
    with use_tenant(tenant):
        _, secret = endpoints.add(receiver.url(path), tenant=tenant, actor=ACTOR, event_types=["form.created"])

    with batch.build_context(scope=tenant, actor=ACTOR, title="Base") as context:
        context.save()
        form = str(context.form.id)
    relay.drain(alias)
    deliver(alias)

    [got] = receiver.received(path)
    told = Webhook(secret).verify(got.body, got.headers)
    assert told["type"] == "form.created"
    assert told["data"] == {"copy_id": form, "application_form_id": form, "version": 1, "is_test": False}
    with use_tenant(tenant):
        assert got.headers["webhook-id"] == f"msg_{WebhookDelivery.objects.get().payload_id.hex}"
        assert not OutboxAction.objects.filter(kind="publish_webhook").exists()
    with across_tenants(using="default" if has_own_database else SECOND_DATABASE):
        assert not WebhookPayload.objects.exists()


@pytest.mark.django_db(databases=["default", SECOND_DATABASE], transaction=True)
def test_without_workers_the_command_does_all_of_it(receiver: Receiver, kennels: Release) -> None:
    tenant = Tenant.objects.create(code="told", name="Told", catalogue="kennels")
    with use_tenant(tenant):
        endpoints.add(receiver.url("/by-command"), tenant=tenant, actor=ACTOR, event_types=["form.created"])
    with batch.build_context(scope=tenant, actor=ACTOR, title="Base") as context:
        context.save()

    call_command("relay", once=True)

    assert len(receiver.received("/by-command")) == 1


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    """Processes that claim at the same time, each with its own connection."""

    THREADS = 8

    @pytest.fixture
    def due(self, add_endpoint: Callable[..., Any], publish_event: Callable[..., Any]) -> Iterator[None]:
        for number in range(3):
            add_endpoint(f"http://127.0.0.1:9/{number}")
        for _ in range(12):
            publish_event()
        yield

    def test_never_more_than_two_deliveries_of_one_endpoint_are_leased(self, due: None) -> None:
        now = timezone.now()

        def claim(_: int) -> list[Any]:
            try:
                return [claimed.delivery for claimed in claims.claim("default", now=now, limit=50)]
            finally:
                connections["default"].close()

        for _ in range(6):
            with ThreadPoolExecutor(self.THREADS) as threads:
                found = [delivery for claimed in threads.map(claim, range(self.THREADS)) for delivery in claimed]

            ids = [delivery.id for delivery in found]
            assert len(ids) == len(set(ids)) == 6
            by_endpoint = {endpoint: 0 for endpoint in {delivery.endpoint_id for delivery in found}}
            for delivery in found:
                by_endpoint[delivery.endpoint_id] += 1
            assert sorted(by_endpoint.values()) == [2, 2, 2]
            with across_tenants(using="default"):
                assert WebhookEndpoint.objects.count() == 3
                WebhookDelivery.objects.update(leased_until=None)
