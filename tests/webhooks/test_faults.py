"""Misbehaving endpoints, on a clock that covers more than four days: their retries, their end, and no delay for other
endpoints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from actions.models import OutboxAction
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.tiers import IS_FULL, PATIENCE, seeds, within
from tests.harness.webhook_chaos import ASKED, FAULTS, SILENT, chaos
from tests.harness.webhook_fixtures import ACTOR, HERE
from tests.harness.webhook_receiver import Receiver
from webhooks import claims, endpoints
from webhooks.client import HttpWebhookClient, Limits
from webhooks.delivery import Deliverer
from webhooks.models import DeliveryState, DisabledReason, WebhookAttempt, WebhookDelivery
from webhooks.retry_schedule import DELAYS, JITTER

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 25, 8, tzinfo=UTC)
#: The time limit of a post where the receiver is silent.
SHORT = 0.4
#: What the receiver of the quick tier does: a stalled machine must not look like a silent one.
KINDS = FAULTS.keys() if IS_FULL else FAULTS.keys() - SILENT


class Clock:
    """The database's time, set by the test."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self, using: str) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def at_harbor(harbor: Tenant) -> Iterator[None]:
    with use_tenant(harbor):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit() -> float:
    """Return the time limit of a post, in seconds."""
    return SHORT if IS_FULL else PATIENCE


@pytest.fixture
def go_through(clock: Clock, limit: float) -> Iterator[Callable[[timedelta], None]]:
    """Return a function that delivers through a span of time, from one due moment to the next."""
    with HttpWebhookClient(HERE, limits=Limits(connect=limit, total=limit)) as postman:
        deliverer = Deliverer(["default"], client=postman, clock=clock)

        def go(span: timedelta) -> None:
            until = clock.now + span
            while True:
                deliverer.run(seconds=2 * PATIENCE)
                moments = [
                    max(moment, delivery.endpoint.paused_until or moment)
                    for delivery in WebhookDelivery.objects.select_related("endpoint").filter(
                        state=DeliveryState.PENDING, endpoint__disabled_at=None
                    )
                    if (moment := delivery.next_attempt_at) is not None
                ]
                if not moments or min(moments) > until:
                    clock.now = until
                    return
                clock.now = max(clock.now, min(moments))

        yield go


def attempts_of(endpoint: Any) -> list[WebhookAttempt]:
    return list(WebhookAttempt.objects.filter(delivery__endpoint=endpoint).order_by("created_at"))


def lay_in_schedule(attempts: list[WebhookAttempt]) -> None:
    """Check that each attempt came at the time of the schedule, and not later than its jitter."""
    for number, (before, after) in enumerate(zip(attempts, attempts[1:], strict=False), 1):
        waited = (after.created_at - before.created_at).total_seconds()
        least = max(DELAYS[number], ASKED if before.status == 429 else 0)
        most = max(DELAYS[number] * (1 + JITTER), least)
        # An endpoint with five failures is paused for half a minute; later delays are longer anyway.
        assert least <= waited <= most + within(SHORT + 0.3), (number, before.status, waited)


@pytest.mark.parametrize("seed", seeds(3))
def test_everything_is_delivered_on_schedule(
    seed: int, add_endpoint: Any, publish_event: Any, go_through: Callable[[timedelta], None]
) -> None:
    with chaos(seed) as receiver:
        plans = {f"/{number}": receiver.some_faults(9, kinds=KINDS) for number in range(12)}
        added = {path: add_endpoint(receiver.url(path, plan))[0] for path, plan in plans.items()}
        event = publish_event(at=START)

        go_through(timedelta(hours=100))

        for path, plan in plans.items():
            attempts = attempts_of(added[path])
            seen = [(attempt.status, attempt.error) for attempt in attempts]
            assert seen == [*(FAULTS[what] for what in plan), (200, "")], path
            assert receiver.ids[path] == [f"msg_{event.hex}"] * (len(plan) + 1)
            lay_in_schedule(attempts)
            assert max(len(attempt.excerpt.encode()) for attempt in attempts) <= 1_024
            # Of ten million bytes only few are in the buffers of the network.
            assert receiver.sent[path] < 8_000_000 * max(1, plan.count("big"))
        assert receiver.asked["/trap"] == 0
        assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}


@pytest.mark.parametrize("limit", [SHORT])
def test_a_silent_endpoint_is_retried(
    add_endpoint: Any, publish_event: Any, go_through: Callable[[timedelta], None]
) -> None:
    with chaos(0) as receiver:
        endpoints = [add_endpoint(receiver.url(f"/{kind}", [kind] * 99))[0] for kind in sorted(SILENT)]
        publish_event(at=START)

        go_through(timedelta(minutes=2))

        for endpoint in endpoints:
            attempts = attempts_of(endpoint)
            assert [(attempt.status, attempt.error) for attempt in attempts] == [(None, "timeout")] * 2
            lay_in_schedule(attempts)


def test_ten_failures_are_the_end_of_a_delivery_after_three_days_and_a_half(
    add_endpoint: Any, publish_event: Any, go_through: Callable[[timedelta], None]
) -> None:
    with chaos(0) as receiver:
        endpoint, _ = add_endpoint(receiver.url("/0", ["500"] * 50))
        publish_event(at=START)

        go_through(timedelta(hours=110))

        attempts = attempts_of(endpoint)
        assert [attempt.number for attempt in attempts] == list(range(1, 11))
        lay_in_schedule(attempts)
        least = timedelta(hours=75, minutes=35, seconds=5)
        assert least <= attempts[-1].created_at - START <= least * (1 + JITTER) + timedelta(minutes=1)
        assert WebhookDelivery.objects.get().state == DeliveryState.FAILED
        endpoint.refresh_from_db()
        assert endpoint.disabled_at is None


def test_410_disables_at_once(
    add_endpoint: Any, publish_event: Any, go_through: Callable[[timedelta], None], clock: Clock
) -> None:
    with chaos(0) as receiver:
        endpoint, _ = add_endpoint(receiver.url("/0", ["410"]))
        publish_event(at=START)
        publish_event(at=START + timedelta(hours=1))

        go_through(timedelta(hours=2))

        assert receiver.asked["/0"] == 1
        endpoint.refresh_from_db()
        assert (endpoint.disabled_reason, endpoint.disabled_at) != ("", None)
        assert endpoint.disabled_reason == DisabledReason.GONE
        [told] = OutboxAction.objects.filter(kind="send_webhook_given_up_mail")
        assert (told.payload["endpoint_id"], told.payload["url"]) == (str(endpoint.id), endpoint.url)

        endpoints.switch(endpoint, on=True, actor=ACTOR)
        go_through(timedelta(hours=2))

        # Pending deliveries are sent now; those with a 410 only by a replay.
        assert receiver.asked["/0"] == 2


def test_five_days_of_failures_disable(
    add_endpoint: Any, publish_event: Any, go_through: Callable[[timedelta], None], clock: Clock
) -> None:
    with chaos(0) as receiver:
        endpoint, _ = add_endpoint(receiver.url("/0", ["500"] * 500))
        for hour in range(0, 200, 12):
            publish_event(at=START + timedelta(hours=hour))

        go_through(timedelta(hours=119))
        endpoint.refresh_from_db()
        assert endpoint.disabled_at is None

        go_through(timedelta(hours=40))
        endpoint.refresh_from_db()

        assert endpoint.disabled_reason == DisabledReason.FAILING
        [told] = OutboxAction.objects.filter(kind="send_webhook_given_up_mail")
        assert told.payload["reason"] == "every attempt failed for 120 hours"
        assert timedelta(hours=120) <= endpoint.disabled_at - endpoint.failing_since <= timedelta(hours=133)
        asked = receiver.asked["/0"]
        go_through(timedelta(hours=40))
        assert receiver.asked["/0"] == asked


def test_a_success_restarts_the_count(
    add_endpoint: Any, publish_event: Any, go_through: Callable[[timedelta], None], clock: Clock
) -> None:
    with chaos(0) as receiver:
        endpoint, _ = add_endpoint(receiver.url("/0", ["500"] * 3))
        publish_event(at=START)

        go_through(timedelta(hours=5))

        endpoint.refresh_from_db()
        assert (endpoint.failures, endpoint.failing_since, endpoint.paused_until) == (0, None, None)
        assert [attempt.status for attempt in attempts_of(endpoint)] == [500, 500, 500, 200]


class TestOneDeadEndpoint:
    def test_a_dead_endpoint_delays_no_other(self, receiver: Receiver, add_endpoint: Any, publish_event: Any) -> None:
        add_endpoint(receiver.url("/slow/3"))
        add_endpoint(receiver.url("/quick"))
        for _ in range(30):
            publish_event()
        begun = time.monotonic()

        with HttpWebhookClient(HERE, limits=Limits(connect=1, total=1)) as postman:
            deliverer = Deliverer(["default"], client=postman)
            deliverer.run(seconds=PATIENCE)
            deliverer.finish()
        taken = time.monotonic() - begun

        quick = WebhookAttempt.objects.filter(delivery__endpoint__url=receiver.url("/quick"))
        dead = WebhookAttempt.objects.filter(delivery__endpoint__url=receiver.url("/slow/3"))
        assert quick.count() == 30
        # Thirty posts, two at once, within the time limit of one second for the dead one.
        waited = max(attempt.created_at for attempt in quick) - min(attempt.created_at for attempt in quick)
        assert waited < timedelta(seconds=within(3))
        # Five failures and at most one more in transit; then it is paused.
        assert 5 <= dead.count() <= 6
        assert taken < within(15)

    def test_at_most_two_posts_at_once_and_one_probe(self, add_endpoint: Any, publish_event: Any) -> None:
        endpoint, _ = add_endpoint("http://127.0.0.1:9/hook")
        for _ in range(5):
            publish_event()
        now = timezone.now()

        assert [len(claims.claim("default", now=now, limit=10)) for _ in range(2)] == [2, 0]

        type(endpoint).objects.update(failures=5)
        WebhookDelivery.objects.update(leased_until=None)
        assert [len(claims.claim("default", now=now, limit=10)) for _ in range(2)] == [1, 0]

        WebhookDelivery.objects.update(leased_until=None)
        type(endpoint).objects.update(paused_until=now + timedelta(seconds=1))
        assert claims.claim("default", now=now, limit=10) == []
