"""Deliveries: one per subscribed endpoint, signed so that the public library verifies it, and replayed on
demand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from actions.kinds import Purge
from actions.maintenance import purge
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.outboxes import delivered
from tests.harness.webhook_fixtures import ACTOR
from tests.harness.webhook_receiver import Receiver
from webhooks import endpoints
from webhooks.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookPayload
from webhooks.retention import old_webhooks

pytestmark = pytest.mark.django_db

Deliver = Callable[..., int]


@pytest.fixture(autouse=True)
def at_harbor(harbor: Tenant) -> Any:
    with use_tenant(harbor):
        yield


class TestSignature:
    def test_the_public_library_verifies_it(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        _, secret = add_endpoint(receiver.url("/signed"))
        event = publish_event("copy.renamed")

        assert deliver() == 1

        [got] = receiver.received("/signed")
        told = Webhook(secret).verify(got.body, got.headers)
        assert told["type"] == "copy.renamed"
        assert told["data"]["version"] == 3
        assert got.headers["webhook-id"] == f"msg_{event.hex}"
        assert got.headers["x-correlation-id"] == "c-1"

    def test_during_a_rotation_both_secrets_verify_and_afterwards_the_new_one(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        endpoint, old = add_endpoint(receiver.url("/rotated"))
        new = endpoints.rotate_secret(endpoint, actor=ACTOR)
        publish_event()
        deliver()
        type(endpoint).objects.update(previous_secret_until=timezone.now())
        publish_event()
        deliver()

        during, after = receiver.received("/rotated")

        for secret in (old, new):
            assert Webhook(secret).verify(during.body, during.headers)
        assert Webhook(new).verify(after.body, after.headers)
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(old).verify(after.body, after.headers)

    def test_a_flip_of_any_byte_is_detected(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        _, secret = add_endpoint(receiver.url("/flipped"))
        publish_event()
        deliver()
        [got] = receiver.received("/flipped")
        webhook = Webhook(secret)
        assert webhook.verify(got.body, got.headers)

        for position in range(len(got.body)):
            body = bytearray(got.body)
            body[position] ^= 1
            with pytest.raises(WebhookVerificationError):
                webhook.verify(bytes(body), got.headers, json_parse=False)
        for name in ("webhook-id", "webhook-timestamp"):
            for position in range(len(got.headers[name])):
                told = bytearray(got.headers[name].encode())
                told[position] ^= 1
                with pytest.raises(WebhookVerificationError):
                    webhook.verify(got.body, {**got.headers, name: told.decode()})

    def test_stored_secrets_are_encrypted_and_open_only_for_their_endpoint(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        one, secret = add_endpoint(receiver.url("/sealed"))
        other, _ = add_endpoint(receiver.url("/sealed-other"))
        assert secret.removeprefix("whsec_").encode() not in bytes(one.secret)

        other.secret = one.secret
        other.save(update_fields=["secret"])
        publish_event()
        deliver()

        assert len(receiver.received("/sealed")) == 1
        assert receiver.received("/sealed-other") == []
        assert WebhookAttempt.objects.get(delivery__endpoint=other).error == "secret_does_not_open"
        other.refresh_from_db()
        assert other.failures == 0


class TestFanOut:
    def test_each_endpoint_gets_its_subscribed_events(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        add_endpoint(receiver.url("/all"))
        add_endpoint(receiver.url("/family"), "quote_request.*")
        add_endpoint(receiver.url("/one"), "copy.renamed", "copy.locked")

        for name in ("copy.renamed", "quote_request.quoted", "quote_request.stale", "copy.deleted"):
            publish_event(name)
        deliver()

        def types(path: str) -> set[str]:
            return {json.loads(got.body)["type"] for got in receiver.received(path)}

        assert types("/all") == {"copy.renamed", "quote_request.quoted", "quote_request.stale", "copy.deleted"}
        assert types("/family") == {"quote_request.quoted", "quote_request.stale"}
        assert types("/one") == {"copy.renamed"}

    def test_an_action_that_runs_twice_is_one_event(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        add_endpoint(receiver.url("/twice"))
        event = publish_event()
        publish_event(action_id=event)
        deliver()
        publish_event(action_id=event)
        deliver()

        assert [got.headers["webhook-id"] for got in receiver.received("/twice")] == [f"msg_{event.hex}"]

    def test_events_without_subscribers_are_in_the_feed_and_not_delivered(
        self, add_endpoint: Any, publish_event: Any
    ) -> None:
        add_endpoint("http://127.0.0.1:9/hook", "copy.locked")
        disabled, _ = add_endpoint("http://127.0.0.1:9/hook")
        endpoints.switch(disabled, on=False, actor=ACTOR)

        publish_event("copy.renamed")

        assert (WebhookPayload.objects.count(), WebhookDelivery.objects.count()) == (1, 0)

    def test_another_tenants_endpoints_get_nothing(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver, summit: Tenant
    ) -> None:
        add_endpoint(receiver.url("/harbor-only"))

        publish_event(tenant=summit)
        deliver()

        assert receiver.received("/harbor-only") == []


class TestReplay:
    def test_it_has_the_same_id_and_body_and_a_new_timestamp(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        endpoint, secret = add_endpoint(receiver.url("/replayed"))
        event = publish_event()
        deliver()

        assert endpoints.replay(endpoint, actor=ACTOR, event_id=event) == 1
        later = timezone.now() + timedelta(seconds=90)
        deliver(clock=lambda using: later)

        first, second = receiver.received("/replayed")
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 89
        assert Webhook(secret).verify(second.body, second.headers)

    def test_a_replay_of_a_period_takes_its_finished_events(
        self, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
    ) -> None:
        endpoint, _ = add_endpoint(receiver.url("/range"))
        now = timezone.now()
        before, inside, waiting = (publish_event(at=now - timedelta(hours=hours)) for hours in (5, 3, 2))
        deliver()
        WebhookDelivery.objects.filter(payload_id=waiting).update(state=DeliveryState.PENDING, next_attempt_at=None)

        replayed = endpoints.replay(
            endpoint, actor=ACTOR, since=now - timedelta(hours=4), until=now - timedelta(hours=1)
        )
        deliver()

        assert replayed == 1
        ids = [got.headers["webhook-id"] for got in receiver.received("/range")]
        assert sorted(ids) == sorted(f"msg_{each.hex}" for each in (before, inside, inside, waiting))

    def test_to_a_disabled_endpoint_nothing_is_replayed(self, add_endpoint: Any) -> None:
        endpoint, _ = add_endpoint("http://127.0.0.1:9/hook")
        endpoints.switch(endpoint, on=False, actor=ACTOR)

        for act in (endpoints.replay, endpoints.send_test):
            with pytest.raises(endpoints.EndpointIsDisabled):
                act(endpoint, actor=ACTOR)


def test_a_test_event_arrives_and_is_logged(receiver: Receiver, add_endpoint: Any, deliver: Deliver) -> None:
    endpoint, secret = add_endpoint(receiver.url("/tested"), "copy.locked")

    delivery = endpoints.send_test(endpoint, actor=ACTOR)
    deliver()

    [got] = receiver.received("/tested")
    assert Webhook(secret).verify(got.body, got.headers)["type"] == "webhook.test"
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == (DeliveryState.DELIVERED, 1, None)
    attempt = WebhookAttempt.objects.get()
    assert (attempt.number, attempt.status, attempt.error, attempt.excerpt) == (1, 200, "", "thank you")


def test_a_web_server_whose_clock_is_ahead_delays_nothing(
    receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, _ = add_endpoint(receiver.url("/ahead"))
    event = publish_event()
    deliver()
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=1))

    endpoints.send_test(endpoint, actor=ACTOR)
    assert endpoints.replay(endpoint, actor=ACTOR, event_id=event) == 1

    assert deliver() == 2


def test_an_endpoint_is_removed_with_its_deliveries_without_reading_them(
    receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
) -> None:
    gone, _ = add_endpoint(receiver.url("/gone"))
    stays, _ = add_endpoint(receiver.url("/stays"))
    for _ in range(3):
        publish_event()
    deliver()

    with CaptureQueriesContext(connection) as queries:
        endpoints.remove(gone, actor=ACTOR)

    # There may be hundreds of thousands.
    assert [query for query in queries if 'SELECT "webhooks_webhookdelivery"' in query["sql"]] == []
    assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {stays.id}
    assert WebhookAttempt.objects.count() == 3


def test_deliveries_of_a_killed_process_are_sent_again_after_their_lease(
    receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
) -> None:
    add_endpoint(receiver.url("/killed"))
    publish_event()
    now = timezone.now()
    WebhookDelivery.objects.update(leased_until=now + timedelta(seconds=30), attempts=1)

    assert deliver() == 0
    assert deliver(clock=lambda using: now + timedelta(seconds=31)) == 1

    assert len(receiver.received("/killed")) == 1


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_metrics_report_due_deliveries_and_disabled_endpoints(
    add_endpoint: Any, publish_event: Any, client: Client
) -> None:
    waiting, _ = add_endpoint("http://127.0.0.1:9/waiting")
    resting, _ = add_endpoint("http://127.0.0.1:9/resting")
    gone, _ = add_endpoint("http://127.0.0.1:9/gone")
    now = timezone.now()
    publish_event(at=now - timedelta(seconds=90))
    type(resting).objects.filter(pk=resting.pk).update(paused_until=now + timedelta(seconds=30))
    type(gone).objects.filter(pk=gone.pk).update(disabled_at=now, disabled_reason="gone")

    told = client.get("/metrics").content.decode()

    assert re.search(r'^partner_engine_webhooks_due\{database="default"\} 1\.0$', told, re.MULTILINE)
    [oldest] = re.findall(
        r'^partner_engine_webhooks_oldest_due_seconds\{database="default"\} (\S+)$', told, re.MULTILINE
    )
    assert 90 <= float(oldest) < 120
    assert re.search(r'^partner_engine_webhook_endpoints_given_up\{database="default"\} 1\.0$', told, re.MULTILINE)


def test_expired_events_are_deleted_and_pending_ones_stay(
    harbor: Tenant, receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Deliver
) -> None:
    add_endpoint(receiver.url("/kept"))
    now = timezone.now()
    old, recent, waiting = (publish_event(at=now - timedelta(days=days)) for days in (31, 29, 40))
    WebhookDelivery.objects.filter(payload_id=waiting).update(next_attempt_at=now + timedelta(hours=1))
    deliver()

    with use_tenant(harbor):
        assert [payload.id for payload in old_webhooks()] == [old]
        purge(delivered(Purge(what="webhooks"), harbor))

    assert set(WebhookPayload.objects.values_list("id", flat=True)) == {recent, waiting}
    assert WebhookAttempt.objects.filter(delivery__payload_id=old).count() == 0


def test_events_for_a_disabled_endpoint_expire(harbor: Tenant, add_endpoint: Any, publish_event: Any) -> None:
    endpoint, _ = add_endpoint("http://127.0.0.1:9/off")
    now = timezone.now()
    publish_event(at=now - timedelta(days=31))
    recent = publish_event(at=now - timedelta(days=29))
    endpoints.switch(endpoint, on=False, actor=ACTOR)

    with use_tenant(harbor):
        purge(delivered(Purge(what="webhooks"), harbor))

    assert [*WebhookPayload.objects.values_list("id", flat=True)] == [recent]
