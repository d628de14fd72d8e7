"""``/copies/{id}/events``: the events that callers may add, and the list of all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from catalogue.demo import Sample
from forms.models import Event
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.outbox_events import published_events

pytestmark = pytest.mark.django_db
#: Kinds that only the product itself adds.
OURS = ["quote_request_selected", "guest_flow_email_sent", "agent_needs_bind_assistance_email_sent"]


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    return api.start(s1)


@pytest.fixture
def url(copy: dict[str, Any]) -> str:
    return f"/copies/{copy['id']}/events"


def count(tenant: Tenant) -> int:
    with use_tenant(tenant):
        return Event.objects.count()


def test_an_event_is_added_and_listed(api: Api, url: str, harbor: Tenant, harbor_client: ApiClient) -> None:
    response = api.post(url, {"kind": "external_transfer", "details": {"to": "desk 4"}})

    event = response.json()
    assert (response.status_code, response["ETag"]) == (201, '"2"')
    assert event == {
        "id": event["id"],
        "kind": "external_transfer",
        "details": {"to": "desk 4"},
        "by": {"type": "api_client", "id": str(harbor_client.pk), "name": "Harbor"},
        "source": "api",
        "created_at": event["created_at"],
    }
    assert api.get(url).json() == {"results": [event], "next": None}
    told = {"id": event["id"], "details": {"to": "desk 4"}}
    assert published_events(harbor, "event") == [("event.external_transfer", 2, told)]


@pytest.mark.parametrize("kind", ["application_form_retrieved", "external_transfer", "bridged_to_off_platform_carrier"])
def test_kinds_that_callers_may_add(api: Api, url: str, kind: str) -> None:
    assert api.post(url, {"kind": kind}).json()["details"] == {}


def test_events_of_the_product_are_listed_too(api: Api, url: str, copy: dict[str, Any], harbor: Tenant) -> None:
    api.post(url, {"kind": "application_form_retrieved"})
    with batch.find_and_lock(UUID(copy["id"]), scope=harbor, actor=system_actor("mails")) as context:
        context.changeset.events.add("guest_flow_email_sent", details={"action": "7"})
        context.save()

    found = [(event["kind"], event["by"]["type"]) for event in api.get(url).json()["results"]]

    assert found == [("guest_flow_email_sent", "system"), ("application_form_retrieved", "api_client")]


def test_pages_go_back_in_time(api: Api, url: str) -> None:
    for number in range(3):
        api.post(url, {"kind": "external_transfer", "details": {"number": str(number)}})

    first = api.get(f"{url}?limit=2").json()
    second = api.get(first["next"].removeprefix("/api/v1")).json()

    assert [event["details"]["number"] for event in first["results"] + second["results"]] == ["2", "1", "0"]
    assert second["next"] is None
    assert_problem(api.get(f"{url}?cursor=x"), 400, "invalid_cursor")
    assert api.get(url, If_None_Match=api.get(url)["ETag"]).status_code == 304


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_body", "/kind"),
        ({"kind": "party"}, "invalid_body", "/kind"),
        *(({"kind": kind}, "invalid_body", "/kind") for kind in OURS),
        ({"kind": "external_transfer", "details": []}, "invalid_body", "/details"),
        ({"kind": "external_transfer", "details": {"": "x"}}, "invalid_body", "/details/"),
        ({"kind": "external_transfer", "details": {"n": "x" * 501}}, "invalid_body", "/details/n"),
        ({"kind": "external_transfer", "details": {"n": {"deep": "x"}}}, "invalid_body", "/details/n"),
        ({"kind": "external_transfer", "details": {str(n): "" for n in range(21)}}, "invalid_body", "/details"),
        ({"kind": "external_transfer", "details": {"ssn": "987-65-4321"}}, "sensitive_text_refused", "/details"),
    ],
)
def test_invalid_events(
    api: Api, url: str, copy: dict[str, Any], harbor: Tenant, body: dict[str, Any], code: str, pointer: str
) -> None:
    problem = assert_problem(api.post(url, body), 422, code)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert "987-65-" not in str(problem)
    assert api.get(f"/copies/{copy['id']}").json() == copy
    assert (count(harbor), published_events(harbor, "event")) == (0, [])


def test_events_belong_to_their_copy_and_tenant(
    api: Api, foreigner: Api, url: str, copy: dict[str, Any], harbor: Tenant
) -> None:
    api.post(url, {"kind": "external_transfer"})
    second = api.post(f"/application_forms/{copy['id']}/copies", {"title": "Second"}).json()

    assert api.get(f"/copies/{second['id']}/events").json()["results"] == []
    assert_problem(foreigner.get(url), 404, "not_found")
    assert_problem(foreigner.post(url, {"kind": "external_transfer"}), 404, "not_found")
    assert count(harbor) == 1


def test_guards_of_a_write(api: Api, url: str, copy: dict[str, Any], harbor: Tenant) -> None:
    body = {"kind": "external_transfer"}
    first = api.post(url, body, Idempotency_Key="k")
    again = api.post(url, body, Idempotency_Key="k")

    assert (again.status_code, again.content) == (201, first.content)
    assert_problem(api.post(url, body, If_Match='"1"'), 412, "version_mismatch")
    api.post(f"/copies/{copy['id']}/lock")
    assert_problem(api.post(url, body), 423, "copy_locked")
    assert count(harbor) == 1
