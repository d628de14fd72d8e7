"""Webhook endpoints over the API: the secret once, changes, deliveries with their attempts, tests and replays."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from standardwebhooks import Webhook

from tenants.models import Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.webhook_fixtures import deliver, own_network, publish_event, receiver  # noqa: F401 - fixtures
from tests.harness.webhook_receiver import Receiver
from webhooks.event_types import event_names

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/in"


@pytest.fixture
def endpoint(api: Api) -> dict[str, Any]:
    response = api.post("/webhook_endpoints", {"url": URL, "event_types": ["*"], "description": "CRM"})
    assert response.status_code == 201, response.content
    return response.json()


def test_the_secret_is_returned_once(api: Api, endpoint: dict[str, Any]) -> None:
    secret = endpoint["secret"]

    assert Webhook(secret)
    assert secret.startswith("whsec_")
    read = api.get(f"/webhook_endpoints/{endpoint['id']}")
    listed = api.get("/webhook_endpoints")
    assert read.json() == {name: value for name, value in endpoint.items() if name != "secret"}
    assert listed.json()["results"] == [read.json()]
    for response in (read, listed, api.patch(f"/webhook_endpoints/{endpoint['id']}", {"description": "x"})):
        assert secret.removeprefix("whsec_") not in response.content.decode()


def test_a_rotation_gives_another_one(api: Api, endpoint: dict[str, Any]) -> None:
    rotated = api.post(f"/webhook_endpoints/{endpoint['id']}/rotate_secret").json()

    assert rotated["secret"] != endpoint["secret"]
    read = api.get(f"/webhook_endpoints/{endpoint['id']}").json()
    assert read["previous_secret_until"] == rotated["previous_secret_until"] is not None


def test_it_is_changed_disabled_and_removed(api: Api, endpoint: dict[str, Any]) -> None:
    path = f"/webhook_endpoints/{endpoint['id']}"

    changed = api.patch(path, {"event_types": ["quote_request.*", "copy.locked", "copy.locked"]}).json()
    off = api.patch(path, {"disabled": True}).json()
    on = api.patch(path, {"disabled": False}).json()

    assert changed["event_types"] == ["copy.locked", "quote_request.*"]
    assert (off["disabled_reason"], off["disabled_at"] is None) == ("by_hand", False)
    assert on == {**changed, "disabled_at": None}
    assert api.delete(path).status_code == 204
    assert_problem(api.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://127.0.0.2.example.com:22/", "event_types": ["*"]}, "refused_address"),
        ({"url": "https://169.254.169.254/latest", "event_types": ["*"]}, "refused_address"),
        ({"url": "https://10.0.0.1/", "event_types": ["*"]}, "refused_address"),
        ({"url": URL, "event_types": ["copy.exploded"]}, "unknown_event_type"),
        ({"url": URL, "event_types": ["nothing.*"]}, "unknown_event_type"),
        ({"url": URL, "event_types": []}, "invalid_body"),
        ({"url": "", "event_types": ["*"]}, "invalid_body"),
        ({"url": URL, "event_types": ["*"], "secret": "mine"}, "invalid_body"),
    ],
)
def test_invalid_endpoints_are_refused(body: dict[str, Any], code: str, api: Api, settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []

    assert_problem(api.post("/webhook_endpoints", body), 422, code)

    assert api.get("/webhook_endpoints").json()["results"] == []


def test_a_tenant_has_twenty_at_most(api: Api) -> None:
    for _ in range(20):
        assert api.post("/webhook_endpoints", {"url": URL, "event_types": ["*"]}).status_code == 201

    assert_problem(api.post("/webhook_endpoints", {"url": URL, "event_types": ["*"]}), 409, "too_many_endpoints")


def test_a_disabled_one_is_neither_tested_nor_replayed_to(api: Api, endpoint: dict[str, Any]) -> None:
    path = f"/webhook_endpoints/{endpoint['id']}"
    api.patch(path, {"disabled": True})

    assert_problem(api.post(f"{path}/test"), 409, "endpoint_is_disabled")
    assert_problem(api.post(f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}), 409, "endpoint_is_disabled")


SINCE = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("body", [{}, {"until": SINCE}, {"event_id": NOBODY, "since": SINCE}])
def test_a_replay_needs_its_events(body: dict[str, Any], api: Api, endpoint: dict[str, Any]) -> None:
    assert_problem(api.post(f"/webhook_endpoints/{endpoint['id']}/replay", body), 422, "invalid_body")


def test_a_test_and_a_replay_are_in_the_deliveries(
    api: Api,
    harbor: Tenant,
    receiver: Receiver,  # noqa: F811
    publish_event: Any,  # noqa: F811
    deliver: Any,  # noqa: F811
) -> None:
    added = api.post("/webhook_endpoints", {"url": receiver.url("/api"), "event_types": ["*"]}).json()
    path = f"/webhook_endpoints/{added['id']}"
    event = publish_event("copy.locked")
    deliver()

    assert api.post(f"{path}/test").status_code == 202
    assert api.post(f"{path}/replay", {"event_id": str(event)}).json() == {"replayed": 1}
    assert len(api.get(f"{path}/deliveries?state=pending").json()["results"]) == 2
    deliver()

    first = api.get(f"{path}/deliveries?limit=1").json()
    second = api.get(first["next"].removeprefix("/api/v1")).json()
    [test], [locked] = first["results"], second["results"]
    assert second["next"] is None
    assert (test["event_type"], test["state"]) == ("webhook.test", "delivered")
    assert (locked["event_id"], locked["webhook_id"]) == (str(event), f"msg_{event.hex}")
    assert [(attempt["status"], attempt["excerpt"]) for attempt in locked["attempts"]] == [(200, "thank you")] * 2
    sent = receiver.received("/api")
    assert [got.headers["webhook-id"] for got in sent].count(f"msg_{event.hex}") == 2
    for got in sent:
        assert Webhook(added["secret"]).verify(got.body, got.headers)


def test_the_schema_takes_good_events_and_refuses_others(api: Api) -> None:
    schema = api.get("/webhook_event_schema").json()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    data = {"copy_id": "1", "application_form_id": "2", "version": 3}

    def is_valid(**event: Any) -> bool:
        return validator.is_valid({"type": "copy.locked", "timestamp": "2026-11-25T00:00:00Z", "data": data, **event})

    assert is_valid()
    assert not is_valid(type="copy.exploded")
    assert not is_valid(type="event.*")
    assert not is_valid(data={})
    assert not is_valid(type="quote_request.quoted")
    assert is_valid(type="event.external_transfer", data={**data, "id": "4", "details": {}})
    assert {"answers.changed", "question_set.completed"} <= set(event_names())
