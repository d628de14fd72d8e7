"""``/copies/{id}/guest_links``: created with a URL in one response, listed without it, revoked at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from batch.models import IdempotencyRecord
from catalogue.demo import Sample
from forms.models import GuestLink
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.guests import follow, let_expire

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    """Return the restaurant's copy."""
    return api.start(s1)


def make(api: Api, copy: dict[str, Any], **body: object) -> dict[str, Any]:
    response = api.post(f"/copies/{copy['id']}/guest_links", body)
    assert response.status_code == 201, response.content
    return response.json()


def listed(api: Api, copy: dict[str, Any]) -> list[dict[str, Any]]:
    return api.get(f"/copies/{copy['id']}/guest_links").json()["results"]


def test_a_link_is_created_and_its_address_returned_once(api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
    response = api.post(f"/copies/{copy['id']}/guest_links", {"name": " Gus   Guest "})

    made = response.json()
    assert (response.status_code, response["ETag"], response["Cache-Control"]) == (201, '"2"', "no-store")
    assert response["Location"] == f"/api/v1/copies/{copy['id']}/guest_links/{made['id']}"
    address, _, secret = made["url"].partition("#")
    assert address == f"http://testserver/guest/{copy['id']}"
    assert len(secret) == 43
    assert (made["name"], made["state"], made["issued_by"]["type"]) == ("Gus Guest", "issued", "api_client")
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=13, hours=23) < lasts < timedelta(days=14)
    del made["url"]
    assert listed(api, copy) == [made]
    assert secret not in api.get(f"/copies/{copy['id']}/history").content.decode()
    with use_tenant(harbor):
        assert secret not in str(GuestLink.objects.values().get())


def test_a_key_stores_the_address_sealed(api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
    made = [api.post(f"/copies/{copy['id']}/guest_links", {}, Idempotency_Key="same").json()["url"] for _ in range(2)]

    [url] = {*made}
    secret = url.partition("#")[2]
    with use_tenant(harbor):
        assert secret.encode() not in bytes(IdempotencyRecord.objects.get(key="same").body)
    assert follow(Client(), copy["id"], secret).status_code == 200


def test_a_link_is_listed_with_its_state(api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
    made = [make(api, copy, name=name, valid_days=1) for name in ("new", "opened", "over", "ended")]
    follow(browser := Client(), copy["id"], made[1]["url"].partition("#")[2])
    assert browser.get(f"/guest/{copy['id']}/form").status_code == 200
    let_expire(harbor, UUID(made[2]["id"]))
    api.delete(f"/copies/{copy['id']}/guest_links/{made[3]['id']}")

    found = {link["name"]: link for link in listed(api, copy)}

    assert list(found) == ["ended", "over", "opened", "new"]
    assert [found[name]["state"] for name in ("new", "opened", "over", "ended")] == [
        "issued",
        "followed",
        "expired",
        "revoked",
    ]
    assert found["opened"]["followed_at"] <= found["opened"]["seen_at"]
    assert (found["new"]["followed_at"], found["new"]["seen_at"], found["ended"]["revoked_at"] is None) == (
        None,
        None,
        False,
    )


def test_ending_a_link_again_changes_nothing(api: Api, copy: dict[str, Any]) -> None:
    link = make(api, copy)
    path = f"/copies/{copy['id']}/guest_links/{link['id']}"

    answers = [api.delete(path), api.delete(path), api.delete(path, Idempotency_Key="one")]

    assert [(answer.status_code, answer["ETag"], answer.content) for answer in answers] == [(204, '"3"', b"")] * 3
    assert follow(Client(), copy["id"], link["url"].partition("#")[2]).status_code == 403


def test_a_link_of_another_copy_is_not_found(api: Api, copy: dict[str, Any], s1: Sample) -> None:
    other = api.start(s1)
    link = make(api, other)

    assert_problem(api.delete(f"/copies/{copy['id']}/guest_links/{link['id']}"), 404, "not_found")
    assert_problem(api.delete(f"/copies/{copy['id']}/guest_links/{NOBODY}"), 404, "not_found")

    assert [found["state"] for found in listed(api, other)] == ["issued"]
    assert api.get(f"/copies/{copy['id']}").json()["version"] == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "x" * 101}, "/name"),
        ({"name": 7}, "/name"),
        ({"valid_days": 0}, "/valid_days"),
        ({"valid_days": 91}, "/valid_days"),
        ({"valid_days": 1.5}, "/valid_days"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_a_wrong_field_is_named(api: Api, copy: dict[str, Any], body: dict[str, Any], pointer: str) -> None:
    problem = assert_problem(api.post(f"/copies/{copy['id']}/guest_links", body), 422, "invalid_body")

    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert listed(api, copy) == []


def test_links_of_a_locked_copy_can_only_be_ended(api: Api, copy: dict[str, Any]) -> None:
    link = make(api, copy)
    api.post(f"/copies/{copy['id']}/lock")

    assert_problem(api.post(f"/copies/{copy['id']}/guest_links", {}), 423, "copy_locked")
    assert api.delete(f"/copies/{copy['id']}/guest_links/{link['id']}").status_code == 204
    assert [found["state"] for found in listed(api, copy)] == ["revoked"]


def test_if_match_guards(api: Api, copy: dict[str, Any]) -> None:
    refused = api.post(f"/copies/{copy['id']}/guest_links", {}, If_Match='"7"')

    assert_problem(refused, 412, "version_mismatch")
    assert listed(api, copy) == []


def test_the_fifty_first_is_refused(api: Api, copy: dict[str, Any]) -> None:
    for _ in range(50):
        make(api, copy)

    assert_problem(api.post(f"/copies/{copy['id']}/guest_links", {}), 409, "too_many_guest_links")


def test_a_forms_id_is_not_accepted_here(api: Api, copy: dict[str, Any], s1: Sample) -> None:
    other = api.post(f"/application_forms/{copy['id']}/copies", {"title": "x"}).json()
    api.post(f"/copies/{other['id']}/make_base")
    assert api.delete(f"/copies/{copy['id']}").status_code == 204

    for answer in (
        api.get(f"/copies/{copy['id']}/guest_links"),
        api.post(f"/copies/{copy['id']}/guest_links", {}),
    ):
        assert_problem(answer, 404, "not_found")
    assert listed(api, other) == []
