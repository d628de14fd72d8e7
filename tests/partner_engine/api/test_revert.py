"""``POST /copies/{id}/revert``, and the head of a copy's history."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def changed(api: Api, s1: Sample) -> dict[str, Any]:
    """Return a copy as it was at version 1; by now it is at version 2."""
    copy = api.start(s1)
    answers = {"mqs_business_name": "Another Name Garage", "mqs_gl_limit": "l300"}
    assert api.patch(f"/copies/{copy['id']}/answers", {"answers": answers}).status_code == 200
    return copy


def values(copy: dict[str, Any]) -> dict[str, Any]:
    return {code: (answer["value"], answer["updated_at"]) for code, answer in copy["answers"].items()}


def test_a_revert_makes_a_new_version_of_then(api: Api, changed: dict[str, Any]) -> None:
    reverted = api.post(f"/copies/{changed['id']}/revert", {"version": 1}, if_match='"2"')

    assert reverted.status_code == 200, reverted.content
    told = reverted.json()
    assert (told["version"], told["reverted_to"], told["refused"], told["not_restored"]) == (3, 1, [], [])
    assert {change["path"] for change in told["changes"]} >= {"mqs_business_name", "mqs_gl_limit"}
    now = api.get(f"/copies/{changed['id']}").json()
    assert values(now) == values(changed)
    assert now["eligibility"] == changed["eligibility"]
    latest, earlier, _ = api.get(f"/copies/{changed['id']}/history").json()["results"]
    assert latest["cause"] == {"type": "revert", "id": "1"}
    assert latest["eligibility"].keys() == latest["before"].keys() == earlier["eligibility"].keys()
    assert latest["before"] == earlier["eligibility"]

    undone = api.post(f"/copies/{changed['id']}/revert", {"version": 2})

    assert undone.json()["version"] == 4
    assert api.get(f"/copies/{changed['id']}").json()["answers"]["mqs_business_name"]["value"] == "Another Name Garage"


def test_a_new_copy_is_made_only_of_the_copy_that_the_caller_read(api: Api, changed: dict[str, Any]) -> None:
    path, body = f"/copies/{changed['id']}/revert", {"version": 1, "into": "new_copy"}

    assert_problem(api.post(path, body, if_match='"1"'), 412, "version_mismatch")

    made = api.post(path, body, if_match='"2"', idempotency_key="again")
    assert made.status_code == 201
    assert api.patch(f"/copies/{changed['id']}/answers", {"answers": {"mqs_mail_city": "Waco"}}).status_code == 200
    assert api.post(path, body, if_match='"2"', idempotency_key="again").json()["id"] == made.json()["id"]


def test_a_version_becomes_a_new_copy(api: Api, changed: dict[str, Any]) -> None:
    made = api.post(f"/copies/{changed['id']}/revert", {"version": 1, "into": "new_copy", "title": "As it was"})

    assert made.status_code == 201, made.content
    copy = made.json()
    assert copy["id"] != changed["id"]
    assert (copy["title"], copy["version"]) == ("As it was", 1)
    assert copy["copied_from"] == {"id": changed["id"], "version": 1}
    assert {code: value[0] for code, value in values(copy).items()} == {
        code: value[0] for code, value in values(changed).items()
    }
    assert api.get(f"/copies/{changed['id']}").json()["version"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": 3}, 404, "no_such_version"),
        ({"version": 0}, 422, "invalid_body"),
        ({}, 422, "invalid_body"),
        ({"version": 1, "into": "somewhere"}, 422, "invalid_body"),
    ],
)
def test_a_wrong_revert_changes_nothing(
    api: Api, changed: dict[str, Any], body: dict[str, Any], status: int, code: str
) -> None:
    assert_problem(api.post(f"/copies/{changed['id']}/revert", body), status, code)

    assert api.get(f"/copies/{changed['id']}").json()["version"] == 2


def test_a_locked_copy_and_an_unknown_one_are_refused(api: Api, changed: dict[str, Any]) -> None:
    api.post(f"/copies/{changed['id']}/lock")

    assert api.post(f"/copies/{changed['id']}/revert", {"version": 1}).status_code in (409, 423)
    assert api.post(f"/copies/{NOBODY}/revert", {"version": 1}).status_code == 404
    assert api.get(f"/copies/{changed['id']}").json()["version"] == 3


def test_the_head_is_the_last_link(api: Api, changed: dict[str, Any]) -> None:
    head = api.get(f"/copies/{changed['id']}/history/head").json()
    links = [version["chain"] for version in api.get(f"/copies/{changed['id']}/history").json()["results"]]

    assert head["version"] == 2
    assert head["chain"] == links[0] != links[1]
    assert len(head["chain"]) == 64
