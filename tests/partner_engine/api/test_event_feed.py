"""``GET /events``: all events of the tenant in order, after a cursor, with and without endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.webhook_fixtures import publish_event  # noqa: F401 - a fixture
from webhooks.models import WebhookDelivery, WebhookPayload

pytestmark = pytest.mark.django_db


def test_a_walk_meets_every_event_once(api: Api, harbor: Tenant, publish_event: Any) -> None:  # noqa: F811
    published = [publish_event("copy.renamed" if number % 2 else "copy.locked") for number in range(5)]

    met, after = [], ""
    while True:
        page = api.get(f"/events?limit=2&after={after}").json()
        met += page["results"]
        after = page["cursor"]
        if page["next"] is None:
            break
        assert page["next"].endswith(f"after={after}")

    assert [event["id"] for event in met] == [f"msg_{identity.hex}" for identity in published]
    assert api.get(f"/events?after={after}").json() == {"results": [], "next": None, "cursor": after}
    later = publish_event("copy.locked")
    [event] = api.get(f"/events?after={after}").json()["results"]
    assert (event["id"], event["type"]) == (f"msg_{later.hex}", "copy.locked")
    with use_tenant(harbor):
        assert WebhookDelivery.objects.count() == 0


def test_types_are_selected_and_unknown_ones_refused(api: Api, publish_event: Any) -> None:  # noqa: F811
    for event_type in ("copy.renamed", "quote_request.quoted", "quote_request.stale", "copy.locked"):
        publish_event(event_type)

    found = api.get("/events?types=quote_request.*,copy.locked").json()["results"]

    assert [event["type"] for event in found] == ["quote_request.quoted", "quote_request.stale", "copy.locked"]
    problem = assert_problem(api.get("/events?types=copy.locket,copy.locked"), 400, "invalid_query")
    assert [(fault["path"], fault["did_you_mean"]) for fault in problem["errors"]] == [("types", "copy.locked")]
    assert_problem(api.get("/events?after=nonsense!"), 400, "invalid_cursor")


def test_tests_of_endpoints_and_other_tenants_are_not_in_it(
    api: Api,
    foreigner: Api,
    publish_event: Any,  # noqa: F811
    summit: Tenant,
) -> None:
    endpoint = api.post("/webhook_endpoints", {"url": "https://hooks.example.com/in", "event_types": ["*"]}).json()
    assert api.post(f"/webhook_endpoints/{endpoint['id']}/test").status_code == 202
    publish_event(tenant=summit)

    assert api.get("/events").json()["results"] == []
    assert len(foreigner.get("/events").json()["results"]) == 1


def test_the_feed_needs_the_right_of_webhooks(api: Api, harbor_client: ApiClient) -> None:
    reader = Api(harbor_client, [right for right in Right if right is not Right.MANAGE_WEBHOOKS])

    assert_problem(reader.get("/events"), 403, "missing_right")


def test_positions_grow_though_all_events_were_deleted(
    api: Api,
    harbor: Tenant,
    publish_event: Any,  # noqa: F811
) -> None:
    publish_event()
    before = api.get("/events").json()["cursor"]
    with use_tenant(harbor):
        WebhookPayload.objects.all().delete()

    publish_event()

    assert len(api.get(f"/events?after={before}").json()["results"]) == 1
