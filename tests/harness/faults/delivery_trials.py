"""Trials with webhooks: publish events as a relay worker, or post them as a delivery worker, until they are
killed.

``worse`` names their sabotage; a test that does not detect it proves nothing.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg
from django.conf import settings
from uuid_utils.compat import uuid7

from actions import relay
from actions.claims import Claims, LeasedAction
from actions.kinds import PublishWebhook
from actions.registry import Budget, Delivered, Registry
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.faults.entry_catalogue import ACTOR
from tests.harness.faults.scenarios import armed_or_not
from tests.harness.outboxes import Ring
from webhooks import attempt_log, claims, delivery, endpoints, payloads, retry_schedule
from webhooks.client import HttpWebhookClient, Limits
from webhooks.models import DeliveryState, WebhookDelivery, WebhookPayload

#: The lease of a delivery in these trials, and the time limit of a post; the product's are 30 s and 15 s.
LEASE: Final = 3.0
POST_SHARE: Final = 0.8
PUT: Final = """
INSERT INTO actions_outboxaction (id, tenant_id, kind, target, payload, payload_version, copy_id, version,
                                  correlation_id, state, attempts, crashes, next_attempt_at, last_error, created_at)
SELECT %(id)s, t.id, 'publish_webhook', %(target)s,
       jsonb_build_object('event_type', %(type)s::text, 'copy_id', %(copy)s::text, 'application_form_id',
                          %(copy)s::text, 'version', 1, 'data', '{}'::jsonb, 'subject', ''),
       1, %(copy)s::uuid, 1, 'fault', 'waiting', 0, 0, clock_timestamp(), '', clock_timestamp()
  FROM tenants_tenant t LIMIT 1"""
Report = Callable[..., None]


def put_event(connection: psycopg.Connection[Any], *, copy: UUID, event_type: str) -> None:
    """Store the event as a save of the copy would."""
    values = {"id": uuid7(), "target": f"{event_type}/{copy}", "type": event_type, "copy": str(copy)}
    connection.execute(PUT, values)


def add_endpoints(report: Report, *, wanted: dict[str, Sequence[str]]) -> None:
    """Add an endpoint for each address of ``wanted``, which names its event types; report their secrets."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    tenant = Tenant.objects.get()
    with use_tenant(tenant):
        secrets = {
            url: endpoints.add(url, tenant=tenant, actor=ACTOR, event_types=types)[1] for url, types in wanted.items()
        }
    report(secrets=secrets)


def publish_until_killed(report: Report, *, worse: str = "") -> None:
    """Run the relay forever; the bell ``poison`` kills it."""
    make_worse(worse)
    registry = known_kinds()
    report(started=os.getpid())
    while True:
        relay.drain("default", registry=registry, lease=LEASE)
        time.sleep(0.02)


def deliver_until_killed(report: Report, *, worse: str = "") -> None:
    """Deliver forever."""
    let_all_deliver(lease=LEASE)
    make_worse(worse)
    report(started=os.getpid())
    while True:
        delivery.deliver_due("default", seconds=60.0)
        time.sleep(0.02)


def pass_on(report: Report, *, failpoint: str = "", worse: str = "") -> None:
    """Publish and deliver due events, with ``failpoint`` armed; claimed rows stay claimed for a minute."""
    let_all_deliver(lease=60.0)
    make_worse(worse)
    with armed_or_not(failpoint, "kill"):
        relay.drain("default", registry=known_kinds(), lease=60.0)
        delivery.deliver_due("default", seconds=10.0)
    report(passed=failpoint)


def known_kinds() -> Registry:
    """Return a registry of the kinds that these tests emit."""
    registry = Registry()
    registry.register(PublishWebhook, payloads.publish)
    registry.register(Ring, _ring, budget=Budget(tries=100))
    return registry


def let_all_deliver(*, lease: float) -> None:
    """Let this process deliver next to others, as without Redis and its mutex."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    delivery.JobMutex = _everybody  # type: ignore[assignment,misc]
    delivery.HttpWebhookClient = partial(HttpWebhookClient, limits=Limits(total=lease * POST_SHARE))  # type: ignore[assignment,misc]
    claims.LEASE = timedelta(seconds=lease)  # type: ignore[misc]
    # Two for each of the four endpoints.
    delivery.MOST_AT_ONCE = 8  # type: ignore[misc]
    # A post that failed because this machine was busy is retried soon, instead of delaying its endpoint for minutes.
    retry_schedule.DELAYS = (0, *[1] * 100)  # type: ignore[assignment,misc]
    attempt_log.PAUSE = timedelta(seconds=1)  # type: ignore[misc]


def make_worse(worse: str) -> None:
    """Break one promise of relay and deliveries in this process."""
    if worse:
        WORSE[worse]()


def _with_an_id_per_run() -> None:
    make = payloads._payload

    def make_another(action: Delivered, event_type: str) -> WebhookPayload:
        payload = make(action, event_type)
        payload.id = uuid7()
        return payload

    payloads._payload = make_another


def _with_an_id_per_attempt() -> None:
    sign = delivery.signed_headers
    delivery.signed_headers = lambda event, *given, **named: sign(uuid7(), *given, **named)


def _done_before_it_runs() -> None:
    claim = Claims.claim

    def claim_and_end(self: Claims, limit: int) -> list[LeasedAction]:
        rows = claim(self, limit)
        self.done([row.id for row in rows])
        return rows

    Claims.claim = claim_and_end  # type: ignore[method-assign]


def _delivered_before_it_is_sent() -> None:
    claim = claims.claim

    def claim_and_end(using: str, **how: Any) -> list[claims.LeasedDelivery]:
        found = claim(using, **how)
        with across_tenants(using=using):
            rows = WebhookDelivery.objects.filter(pk__in=[claimed.delivery.pk for claimed in found])
            rows.update(state=DeliveryState.DELIVERED)
        return found

    delivery.claim = claim_and_end


def _without_lease() -> None:
    claims.LEASE = timedelta(0)  # type: ignore[misc]


def _without_limit_per_endpoint() -> None:
    for name in ("_READY", "_LEASE"):
        text = getattr(claims, name).replace(claims._ROOM, str(delivery.MOST_AT_ONCE))
        setattr(claims, name, text.replace("e.paused_until IS NULL OR", "TRUE OR"))


WORSE: Final[dict[str, Callable[[], None]]] = {
    "an id per run": _with_an_id_per_run,
    "an id per attempt": _with_an_id_per_attempt,
    "done before it runs": _done_before_it_runs,
    "delivered before it is sent": _delivered_before_it_is_sent,
    "no lease": _without_lease,
    "no limit per endpoint": _without_limit_per_endpoint,
}


def _ring(delivered: Delivered) -> None:
    if delivered.payload["bell"] == "poison":
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def _everybody(name: str) -> Iterator[bool]:
    yield True
