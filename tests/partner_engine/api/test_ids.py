"""Ids in any case: some databases and systems print UUIDs in capitals."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db


def test_ids_in_capitals_mean_the_same(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    upper = copy["id"].upper()
    message = api.post(f"/copies/{upper}/messages", {"text": "Call back"}).json()["id"]
    endpoint = api.post("/webhook_endpoints", {"url": "https://example.com/x", "event_types": ["*"]}).json()["id"]

    assert api.get(f"/copies/{upper}").json() == api.get(f"/copies/{copy['id']}").json()
    assert api.get(f"/application_forms/{upper}").json()["id"] == copy["application_form_id"]
    assert api.get(f"/webhook_endpoints/{endpoint.upper()}").json()["id"] == endpoint
    assert api.delete(f"/copies/{upper}/messages/{message.upper()}").status_code == 204
    assert api.post(f"/application_forms/{upper}/copies", {"from_copy": upper}).status_code == 201


def test_row_ids_in_capitals_mean_the_same_row(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    row = copy["answer_pools"]["locations"][0]["id"]
    path = f"locations/{row.upper()}/mqs_loc_zip"
    change = {"answer_pools": {"locations": [{"id": row.upper(), "answers": {"mqs_loc_zip": "78702"}}]}}

    changed = api.patch(f"/copies/{copy['id']}/answers", change)
    posted = api.post(f"/copies/{copy['id']}/messages", {"text": "Check the ZIP", "path": path})
    explained = api.get(f"/copies/{copy['id']}/explain?target=question:{path}")

    assert changed.status_code == 200
    assert [entry["path"] for entry in changed.json()["changes"]] == [f"locations/{row}/mqs_loc_zip"]
    assert (posted.status_code, posted.json()["path"]) == (201, path.replace(row.upper(), row))
    assert explained.status_code == 200


def test_one_row_under_two_spellings_is_given_twice(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    row = copy["answer_pools"]["locations"][0]["id"]
    rows = [{"id": row, "answers": {}}, {"id": row.upper(), "answers": {}}]

    problem = api.patch(f"/copies/{copy['id']}/answers", {"answer_pools": {"locations": rows}}).json()

    assert [fault["code"] for fault in problem["errors"]] == ["duplicate_row"]
