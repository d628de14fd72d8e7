"""The fixtures of webhook tests: a real receiver process, endpoints, events, and rounds of delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from actions.kinds import PublishWebhook
from actions.registry import Delivered
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.tiers import PATIENCE
from tests.harness.webhook_receiver import Receiver, running_receiver
from webhooks import endpoints
from webhooks.client import HttpWebhookClient, Limits
from webhooks.delivery import Deliverer
from webhooks.models import WebhookEndpoint
from webhooks.payloads import publish
from webhooks.ssrf import guard_of

ACTOR = Actor(
    type="user", id="01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b07", source="web", label="Tara Admin", rights=frozenset(Right)
)
HERE = guard_of(["127.0.0.0/8"])
Publish = Callable[..., UUID]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Return a partner's system."""
    with running_receiver() as running:
        yield running


@pytest.fixture(autouse=True)
def own_network(settings: Any) -> None:
    """Allow what runs on this machine."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def add_endpoint(harbor: Tenant) -> Callable[..., tuple[WebhookEndpoint, str]]:
    """Return what adds an endpoint of harbor's; it returns the endpoint and its secret."""

    def add(url: str, *event_types: str) -> tuple[WebhookEndpoint, str]:
        with use_tenant(harbor):
            return endpoints.add(url, tenant=harbor, actor=ACTOR, event_types=event_types or ["*"])

    return add


@pytest.fixture
def publish_event(harbor: Tenant) -> Publish:
    """Return what publishes an event of harbor's; it returns the event's id."""

    def publish_one(
        event_type: str = "copy.renamed",
        *,
        action_id: UUID | None = None,
        at: datetime | None = None,
        tenant: Tenant | None = None,
        **data: Any,
    ) -> UUID:
        copy_id, form_id = uuid7(), uuid7()
        order = PublishWebhook(
            event_type=event_type, copy_id=str(copy_id), application_form_id=str(form_id), version=3, data=data
        )
        action = Delivered(
            id=action_id or uuid7(),
            kind=order.kind,
            payload=order.payload(),
            payload_version=order.payload_version,
            tenant=tenant or harbor,
            copy_id=copy_id,
            version=3,
            correlation_id="c-1",
            attempt=1,
            created_at=at or timezone.now(),
        )
        with use_tenant(action.tenant):
            publish(action)
        return action.id

    return publish_one


@pytest.fixture
def deliver() -> Iterator[Callable[..., int]]:
    """Return a round of delivery in the shared database: what is due is posted for real."""
    with HttpWebhookClient(HERE, limits=Limits(connect=PATIENCE, total=PATIENCE)) as postman:

        def run(*, clock: Callable[[str], datetime] | None = None, seconds: float = PATIENCE) -> int:
            chosen = {"clock": clock} if clock else {}
            deliverer = Deliverer(["default"], client=postman, **chosen)
            return deliverer.run(seconds=seconds) + deliverer.finish()

        yield run
