"""A fault of one endpoint, or of one database, delays no other endpoint."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connections

from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.tiers import PATIENCE, until
from tests.harness.webhook_chaos import chaos
from tests.harness.webhook_fixtures import HERE
from tests.harness.webhook_receiver import Receiver
from webhooks.client import HttpWebhookClient, Limits
from webhooks.delivery import Deliverer
from webhooks.models import DeliveryState, WebhookAttempt, WebhookDelivery


@pytest.fixture(autouse=True)
def at_harbor(harbor: Tenant) -> Any:
    with use_tenant(harbor):
        yield


@pytest.mark.django_db
def test_an_invalid_retry_after_is_recorded_like_any_other(
    receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Callable[..., int]
) -> None:
    with chaos(1) as rude:
        add_endpoint(rude.url("/rude", ["nonsense"]))
        add_endpoint(receiver.url("/beside-rude"))
        publish_event()

        assert deliver() == 2

    assert len(receiver.received("/beside-rude")) == 1
    assert sorted(WebhookAttempt.objects.values_list("status", flat=True)) == [200, 429]


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
@pytest.mark.parametrize("order", [["default", SECOND_DATABASE], [SECOND_DATABASE, "default"]])
def test_a_missing_database_stops_no_other(
    order: list[str], receiver: Receiver, add_endpoint: Any, publish_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_away(*arguments: Any, **named: Any) -> None:
        raise OperationalError("the connection failed")

    path = f"/beside-{order[0]}"
    add_endpoint(receiver.url(path))
    publish_event()
    monkeypatch.setattr(connections[SECOND_DATABASE], "cursor", is_away)

    with HttpWebhookClient(HERE, limits=Limits(connect=PATIENCE, total=PATIENCE)) as postman:
        deliverer = Deliverer(order, client=postman)
        made = deliverer.run(seconds=PATIENCE) + deliverer.finish()

    assert made == 1
    assert len(receiver.received(path)) == 1
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED


@pytest.mark.django_db
def test_unresolvable_names_delay_no_other(
    receiver: Receiver, add_endpoint: Any, publish_event: Any, deliver: Callable[..., int], monkeypatch: Any
) -> None:
    resolve, over = socket.getaddrinfo, threading.Event()

    def slow_for_some(host: Any, *arguments: Any, **named: Any) -> Any:
        # Like a name server that never responds: the resolver waits far longer than this test.
        if str(host).endswith("silent.example"):
            over.wait(3 * PATIENCE)
            raise socket.gaierror
        return resolve(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slow_for_some)
    for number in range(18):
        add_endpoint(f"http://{number}.silent.example/")
    add_endpoint(receiver.url("/behind-the-silent").replace("127.0.0.1", "localhost"))
    publish_event()
    publish_event()

    with ThreadPoolExecutor(1) as pool:
        arrived = pool.submit(until, lambda: len(receiver.received("/behind-the-silent")) == 2)
        arrived.add_done_callback(lambda _: over.set())
        deliver()

    arrived.result()
