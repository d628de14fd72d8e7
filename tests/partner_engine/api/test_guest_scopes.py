"""Guest links to a part of a copy: named in the API, sent back with notes, with the digits of a phone."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from structlog.testing import capture_logs

from actions.models import OutboxAction
from batch.errors import GuestLinkBlocked, OutsideGuestLink, PhoneDigitsNeeded
from catalogue.demo import Sample
from forms.models import GuestLink
from guests.service import MOST_WRONG_DIGITS, WrongPhoneDigits, follow_link
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.certain_text import certain
from tests.harness.guests import DEVICE, follow, let_expire

pytestmark = pytest.mark.django_db

DIGITS = "0199"


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    """Return the restaurant's copy."""
    return api.start(s1)


def make(api: Api, copy: dict[str, Any], **body: object) -> dict[str, Any]:
    response = api.post(f"/copies/{copy['id']}/guest_links", body)
    assert response.status_code == 201, response.content
    return response.json()


def secret_of(link: dict[str, Any]) -> str:
    return str(link["url"].partition("#")[2])


def opened(copy: dict[str, Any], link: dict[str, Any]) -> Client:
    client = Client()
    assert follow(client, copy["id"], secret_of(link)).status_code == 200
    return client


def answer(client: Client, copy: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    response = client.post(
        f"/guest/{copy['id']}/answers", {"answers": json.dumps(given)}, headers={"HX-Request": "true"}
    )
    assert response.status_code == 200
    return json.loads(response.headers["HX-Trigger"])["answers-taken"]


def order(client: Client, copy: dict[str, Any], order: str, path: str) -> int:
    values = {"order": order, "path": path, "version": "1"}
    return client.post(f"/guest/{copy['id']}/rows", values, headers={"HX-Request": "true"}).status_code


def report(api: Api, copy: dict[str, Any], link: dict[str, Any]) -> dict[str, Any]:
    response = api.get(f"/copies/{copy['id']}/guest_links/{link['id']}")
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"question_sets": ["nope"]}, "/question_sets"),
        ({"questions": {"nope": ""}}, "/questions"),
        ({"questions": {"locations": ""}}, "/questions"),
        ({"questions": {"mqs_loc_state": ""}}, "/questions"),
        ({"questions": {f"locations/{NOBODY}/mqs_loc_state": ""}}, "/questions"),
        ({"questions": {"mqs_business_name": "His SSN is 523-44-1187"}}, "/questions"),
        ({"questions": {"mqs_business_name": "a\u202eb"}}, "/questions"),
        ({"phone_digits": "12345"}, "/phone_digits"),
        ({"phone_digits": "١٢٣٤"}, "/phone_digits"),
        ({"questions": {"mqs_business_name": 7}}, "/questions/mqs_business_name"),
    ],
)
def test_what_a_link_cannot_name(body: dict[str, Any], pointer: str, api: Api, copy: dict[str, Any]) -> None:
    response = api.post(f"/copies/{copy['id']}/guest_links", body)

    assert response.status_code in (400, 422), response.content
    assert [fault["pointer"] for fault in response.json()["errors"]] == [pointer]
    assert api.get(f"/copies/{copy['id']}/guest_links").json()["results"] == []


def test_a_form_goes_back_and_forth(api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
    row = copy["answer_pools"]["locations"][0]["id"]
    street = f"locations/{row}/mqs_loc_street"
    link = make(api, copy, name="Gus", questions={"mqs_business_name": "", street: ""})
    client = opened(copy, link)
    answer(client, copy, {"mqs_business_name": "First Try LLC"})
    client.post(f"/guest/{copy['id']}/done", headers={"HX-Request": "true"})

    assert report(api, copy, link)["state"] == "finished"
    before = copy["answers"]["mqs_business_name"]["value"]
    assert [(found["path"], found["before"], found["after"]) for found in report(api, copy, link)["changes"]] == [
        ("mqs_business_name", before, "First Try LLC")
    ]

    back = api.post(
        f"/copies/{copy['id']}/guest_links/{link['id']}/send_back", {"questions": {street: "Without the suite, please"}}
    )

    assert (back.status_code, back.json()["state"], back.json()["finished_at"]) == (200, "sent_back", None)
    assert report(api, copy, link)["changes"] == []
    page = client.get(f"/guest/{copy['id']}/form").content.decode()
    assert "Without the suite, please" in page and "I am done" in page
    refused = answer(client, copy, {"mqs_business_name": "Second Try LLC"})
    assert refused["faults"] == [{"path": "mqs_business_name", "text": OutsideGuestLink.sentence}]
    assert answer(client, copy, {street: "9 Copper Way"})["taken"] == [street]
    assert order(client, copy, "add", "locations") == 403
    client.post(f"/guest/{copy['id']}/done", headers={"HX-Request": "true"})
    came_back = report(api, copy, link)
    assert (came_back["state"], [found["path"] for found in came_back["changes"]]) == ("finished", [street])
    assert api.get(f"/copies/{copy['id']}").json()["answers"]["mqs_business_name"]["value"] == "First Try LLC"
    with use_tenant(harbor):
        published = OutboxAction.objects.filter(kind="publish_webhook").order_by("pk")
        events = [action.payload.get("event_type") for action in published]
    links = [event for event in events if event.startswith("guest_link.")]
    assert sorted(links) == sorted(
        ["guest_link.issued", "guest_link.followed", "guest_link.sent_back"] + ["guest_link.finished"] * 2
    )


def test_a_link_that_has_ended_is_not_sent_back(api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
    url, body = f"/copies/{copy['id']}/guest_links", {"questions": {"mqs_business_name": ""}}
    over, ended = make(api, copy), make(api, copy)
    let_expire(harbor, UUID(over["id"]))
    assert api.delete(f"{url}/{ended['id']}").status_code == 204

    for link in (over, ended):
        assert_problem(api.post(f"{url}/{link['id']}/send_back", body), 403, "guest_link_spent")
    assert api.post(f"{url}/{NOBODY}/send_back", body).status_code == 404
    assert api.get(f"{url}/{NOBODY}").status_code == 404
    assert api.post(f"{url}/{over['id']}/send_back", {"questions": {}}).status_code in (400, 422)


def test_what_a_guest_does_not_know_is_left_to_the_agent_and_no_answer(api: Api, copy: dict[str, Any]) -> None:
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_business_name": None}})
    needed = api.get(f"/copies/{copy['id']}/needed").json()["needed"]
    link = make(api, copy, name="Gus")
    client = opened(copy, link)
    page = client.get(f"/guest/{copy['id']}/form").content.decode()
    assert f"{len(needed['quote'])} answer" in page and 'data-unknown="mqs_business_name"' in page

    assert order(client, copy, "unknown", "mqs_business_name") == 200

    page = client.get(f"/guest/{copy['id']}/form").content.decode()
    assert "Left to your agent:" in page and 'data-known="mqs_business_name"' in page
    assert "Everything is answered" in page
    found = report(api, copy, link)
    assert (found["unknown"], found["missing"]) == (["mqs_business_name"], ["mqs_business_name"])
    now = api.get(f"/copies/{copy['id']}").json()
    assert now["needed"] == needed and now["answers"]["mqs_business_name"]["value"] is None
    assert order(client, copy, "known", "mqs_business_name") == 200
    assert report(api, copy, link)["unknown"] == []
    assert order(client, copy, "unknown", "no_such_question") == 422


class TestDigits:
    def test_the_link_opens_with_the_right_digits_only(self, api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
        link = make(api, copy, phone_digits=DIGITS)
        with capture_logs() as logs:
            first = self.follow(copy, link, "")
            wrong = [self.follow(copy, link, digits) for digits in ("0198", "199", "01990", " 0 ")]
            right = self.follow(copy, link, f" {DIGITS} ")

        assert (first.status_code, first["X-Phone-Digits"], first.content.decode()) == (
            403,
            "needed",
            PhoneDigitsNeeded.sentence,
        )
        for number, found in enumerate(wrong, 1):
            assert found.content.decode().endswith(f"You can try {MOST_WRONG_DIGITS - number} more times.")
        assert {found.status_code for found in wrong} == {403} and {len(found.cookies) for found in wrong} == {0}
        assert (right.status_code, set(right.cookies)) == (200, {"guest", "guest_socket"})
        found = report(api, copy, link)
        assert (found["state"], found["wrong_digits"], found["asks_for_phone_digits"]) == ("followed", 4, True)
        assert DIGITS not in certain(logs) and "0198" not in certain(logs)
        with use_tenant(harbor):
            assert DIGITS not in certain(GuestLink.objects.values_list("digits_hash", "name", "questions").get())

    def test_too_many_wrong_digits_block_it_for_good(self, api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
        link = make(api, copy, phone_digits=DIGITS)
        errors = [self.error_of(copy, link, f"{number:04}") for number in range(MOST_WRONG_DIGITS + 2)]

        assert errors == [WrongPhoneDigits] * (MOST_WRONG_DIGITS - 1) + [GuestLinkBlocked] * 3
        assert self.error_of(copy, link, DIGITS) is GuestLinkBlocked
        blocked = self.follow(copy, link, DIGITS)
        assert (blocked.status_code, blocked.content.decode()) == (403, GuestLinkBlocked.sentence)
        assert (report(api, copy, link)["state"], report(api, copy, link)["wrong_digits"]) == ("blocked", 10)

    def test_a_stored_hash_does_not_fit_other_links(self, api: Api, copy: dict[str, Any], harbor: Tenant) -> None:
        for _ in range(2):
            make(api, copy, phone_digits=DIGITS)
        with use_tenant(harbor):
            assert len(set(GuestLink.objects.values_list("digits_hash", flat=True))) == 2

    def test_the_sixth_wrong_try_of_an_address_waits_and_uses_nothing_up(self, api: Api, copy: dict[str, Any]) -> None:
        link = make(api, copy, phone_digits=DIGITS)
        statuses = [self.follow(copy, link, "0000", address="192.0.2.77").status_code for _ in range(7)]

        assert statuses == [403] * 5 + [429] * 2
        assert report(api, copy, link)["wrong_digits"] == 5
        assert self.follow(copy, link, DIGITS, address="192.0.2.78").status_code == 200

    def follow(self, copy: dict[str, Any], link: dict[str, Any], digits: str, *, address: str = "192.0.2.9") -> Any:
        values = {"secret": secret_of(link), "device": DEVICE, "digits": digits}
        return Client(REMOTE_ADDR=address).post(f"/guest/{copy['id']}", values)

    def error_of(self, copy: dict[str, Any], link: dict[str, Any], digits: str) -> type[Exception] | None:
        try:
            follow_link(UUID(copy["id"]), secret_of(link), device=DEVICE, digits=digits)
        except Exception as error:  # noqa: BLE001 - every refusal is compared
            return type(error)
        return None
