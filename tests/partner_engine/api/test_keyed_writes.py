"""``Idempotency-Key`` outside of copies: every write is done once, or refuses keys; secrets are stored sealed."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from django.http import HttpResponse

from batch.models import IdempotencyRecord
from catalogue.demo import Sample
from partner_engine.api.urls import ROUTES
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.web_servers import ROOT
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db

NEW_ENDPOINT = {"url": "https://example.com/hooks", "event_types": ["*"]}
KEYS = (f"key-{number}" for number in itertools.count())


def twice(api: Api, method: str, path: str, body: Any = None) -> tuple[HttpResponse, HttpResponse]:
    """Send the same keyed request twice; check that the responses are equal and only the second one is a repetition."""
    key, content = next(KEYS), b"" if body is None else json.dumps(body).encode()
    first, again = (api.send(method, path, content, Idempotency_Key=key) for _ in range(2))
    assert first.status_code < 300, first.content
    assert (again.status_code, again.content, again.get("Location")) == (
        first.status_code,
        first.content,
        first.get("Location"),
    )
    assert (first.get("Idempotent-Replayed"), again.get("Idempotent-Replayed")) == (None, "true")
    return first, again


def test_writes_of_webhook_endpoints_are_done_once(api: Api, harbor: Tenant) -> None:
    added, _ = twice(api, "POST", "/webhook_endpoints", NEW_ENDPOINT)
    path = f"/webhook_endpoints/{added.json()['id']}"
    with use_tenant(harbor):
        stored = WebhookEndpoint.objects.get()

    twice(api, "PATCH", path, {"description": "Changed"})
    rotated, _ = twice(api, "POST", f"{path}/rotate_secret")
    twice(api, "POST", f"{path}/test")
    twice(api, "POST", f"{path}/replay", {"since": "2026-01-01T00:00:00Z"})

    with use_tenant(harbor):
        # The previous secret is the one that was in use: the second rotation did not happen.
        assert bytes(WebhookEndpoint.objects.get().previous_secret or b"") == bytes(stored.secret)
        assert WebhookDelivery.objects.count() == 1
    assert rotated.json()["secret"] != added.json()["secret"]
    twice(api, "DELETE", path)
    with use_tenant(harbor):
        assert not WebhookEndpoint.objects.exists()


def test_a_guest_link_is_issued_once(api: Api, s1: Sample) -> None:
    copy = api.start(s1)["id"]

    twice(api, "POST", f"/copies/{copy}/guest_links", {"name": "Gus"})

    assert len(api.get(f"/copies/{copy}/guest_links").json()["results"]) == 1


def test_secrets_are_stored_sealed(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)["id"]
    added, _ = twice(api, "POST", "/webhook_endpoints", NEW_ENDPOINT)
    rotated, _ = twice(api, "POST", f"/webhook_endpoints/{added.json()['id']}/rotate_secret")
    link, _ = twice(api, "POST", f"/copies/{copy}/guest_links", {"name": "Gus"})
    secrets = [added.json()["secret"], rotated.json()["secret"], link.json()["url"].partition("#")[2]]

    with use_tenant(harbor):
        stored = b"".join(bytes(record.body) for record in IdempotencyRecord.objects.all())

    assert all(secrets)
    assert not any(secret.encode() in stored for secret in secrets)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/tickets", {}), ("/copies/{copy}/reveal", {"path": "mqs_fein", "purpose": "carrier", "reason": "for the test"})],
)
def test_writes_that_are_never_stored_refuse_keys(api: Api, s1: Sample, path: str, body: dict[str, Any]) -> None:
    path = path.format(copy=api.start(s1)["id"])

    problem = assert_problem(api.post(path, body, Idempotency_Key="k"), 400, "idempotency_not_supported")

    assert problem["errors"][0]["path"] == "Idempotency-Key"
    assert api.post(path, body).status_code < 300


def test_the_description_names_every_write_that_takes_a_key() -> None:
    # test_description_files.py compares this file with the code.
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    without = {
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("post", "patch", "delete")
        and {"$ref": "#/components/parameters/IdempotencyKey"} not in operation.get("parameters", ())
    }

    assert ROUTES
    assert without == {
        ("post", "/api/v1/tickets"),
        ("post", "/api/v1/copies/{id}/reveal"),
        ("post", "/api/v1/copies/{id}/declines/export"),
        # These store nothing.
        ("post", "/api/v1/batch_operations/imports/preview"),
        ("post", "/api/v1/what_if"),
        ("post", "/api/v1/persons/export"),
        # A repeated file finds no failed item any more.
        ("post", "/api/v1/batch_operations/{id}/failed.csv"),
    }


@pytest.mark.parametrize("content", [b'{"title":"A","answers":{}}', b' {\n "answers" : {} ,\t"title" : "\\u0041" }\n'])
def test_equal_json_is_the_same_request(api: Api, content: bytes) -> None:
    first = api.send("POST", "/application_forms", b'{"title": "A", "answers": {}}', Idempotency_Key="k")

    again = api.send("POST", "/application_forms", content, Idempotency_Key="k")

    assert again.json()["id"] == first.json()["id"]


@pytest.mark.parametrize("content", [b'{"title": "B", "answers": {}}', b'{"title": "A"}', b"{}"])
def test_other_json_is_another_request(api: Api, content: bytes) -> None:
    api.send("POST", "/application_forms", b'{"title": "A", "answers": {}}', Idempotency_Key="k")

    assert_problem(api.send("POST", "/application_forms", content, Idempotency_Key="k"), 422, "idempotency_key_reused")


def test_another_required_version_is_another_request(api: Api, s1: Sample) -> None:
    path, body = f"/copies/{api.start(s1)['id']}", {"title": "Renamed"}
    assert api.patch(path, body, Idempotency_Key="k", If_Match='"1"').status_code == 200

    assert_problem(api.patch(path, body, Idempotency_Key="k", If_Match='"9"'), 422, "idempotency_key_reused")
    assert_problem(api.patch(path, body, Idempotency_Key="k"), 422, "idempotency_key_reused")
    assert api.patch(path, body, Idempotency_Key="k", If_Match='"1"')["Idempotent-Replayed"] == "true"


def test_a_refused_write_keeps_nothing_under_its_key(api: Api) -> None:
    refused = api.post("/webhook_endpoints", NEW_ENDPOINT | {"event_types": ["nope"]}, Idempotency_Key="k")

    assert_problem(refused, 422, "unknown_event_type")
    assert api.post("/webhook_endpoints", NEW_ENDPOINT, Idempotency_Key="k").status_code == 201


def test_a_key_belongs_to_its_client_and_its_rights(api: Api, foreigner: Api, harbor_client: ApiClient) -> None:
    first = api.post("/webhook_endpoints", NEW_ENDPOINT, Idempotency_Key="k").json()
    other = foreigner.post("/webhook_endpoints", NEW_ENDPOINT, Idempotency_Key="k").json()
    narrow = Api(harbor_client, [Right.MANAGE_WEBHOOKS])

    assert other["id"] != first["id"]
    assert_problem(narrow.post("/webhook_endpoints", NEW_ENDPOINT, Idempotency_Key="k"), 422, "idempotency_key_reused")
