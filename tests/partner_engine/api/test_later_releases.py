"""Copies over HTTP under a later release: old answers with their errors, orphans, and renamed codes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from catalogue import releases
from rules.definition.catalogue import CatalogueDefinition
from tests.harness.api_client import Api
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS
from tests.harness.later_releases import publish_release, renamed, with_pool, with_question, without_sets

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy(api: Api) -> dict[str, Any]:
    """Return a copy that PA-CARE takes for 300 dollars."""
    releases.forget_compiled_releases()
    publish_release(KENNELS)
    body = {"catalogue": "kennels", "answers": ANSWERS, "answer_pools": {"houses": HOUSES * 2}}
    made: dict[str, Any] = api.post("/application_forms", body).json()
    assert made["eligibility"]["PA-CARE"]["premium"] == 500
    return made


def read(api: Api, copy: dict[str, Any], query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/copies/{copy['id']}{query}").json()
    return found


def errors(copy: dict[str, Any]) -> dict[str, str]:
    return {message["path"]: message["code"] for message in copy["messages"] if message["kind"] == "error"}


def without_texas() -> CatalogueDefinition:
    products = tuple(replace(product, states=("OH",)) for product in KENNELS.products)
    return replace(KENNELS, choices={**KENNELS.choices, "states": {"OH": "Ohio"}}, products=products)


@pytest.mark.parametrize(
    ("release", "path", "code"),
    [
        (without_texas(), "state", "unknown_choice"),
        (with_question("kennel_name", type="zip", validate=()), "kennel_name", "zip5"),
        (with_question("kennel_name", validate=("max:5",)), "kennel_name", "max"),
        (with_pool("houses", max=1), "houses", "pool_full"),
    ],
    ids=["choice", "type", "limit", "rows"],
)
def test_what_the_release_refuses_is_an_error_and_needed_again(
    release: CatalogueDefinition, path: str, code: str, api: Api, copy: dict[str, Any]
) -> None:
    publish_release(release)

    found = read(api, copy)

    assert errors(found) == {path: code}
    assert path in found["needed"]["quote"]
    assert found["state"] == "incomplete"
    if path != "kennel_name":
        assert found["eligibility"]["PA-CARE"]["premium"] is None
    if path in copy["answers"]:
        assert found["answers"][path]["value"] == copy["answers"][path]["value"]
    assert errors(read(api, copy, "?at_version=1")) == {}
    assert read(api, copy, "?at_version=1")["eligibility"]["PA-CARE"]["premium"] == 500


def test_rows_that_are_no_longer_asked_are_inactive_and_deletable(api: Api, copy: dict[str, Any]) -> None:
    publish_release(without_sets("houses", "fences"))

    found = read(api, copy)

    rows = found["answer_pools"]["houses"]
    assert {(answer["active"], answer["required"]) for row in rows for answer in row["answers"].values()} == {
        (False, "")
    }
    assert [(message["kind"], message["path"], message["code"]) for message in found["messages"]] == [
        ("warn", "houses", "no_longer_asked")
    ]
    delete = [{"id": row["id"], "delete": True} for row in rows]
    response = api.patch(f"/copies/{copy['id']}/answers", {"answer_pools": {"houses": delete}})
    assert response.status_code == 200
    assert response.json()["messages"] == []
    assert "houses" not in read(api, copy)["answer_pools"]


def test_renamed_codes_hold_the_answers(api: Api, copy: dict[str, Any]) -> None:
    release = publish_release(renamed({"kennel_name": "trade_name", "houses": "buildings", "TX": "tx"}))

    found = read(api, copy)
    assert found["answers"]["trade_name"]["value"] == "Happy Tails"
    assert found["answers"]["state"]["value"] == "tx"
    assert [row["id"] for row in found["answer_pools"]["buildings"]] == [
        row["id"] for row in copy["answer_pools"]["houses"]
    ]
    assert found["eligibility"] == copy["eligibility"]
    assert found["version"] == 1

    response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"has_cats": False}})
    causes = {change["path"]: change["cause"] for change in response.json()["changes"]}
    assert causes["trade_name"] == {"type": "release", "id": str(release.number)}
    history = api.get(f"/copies/{copy['id']}/history").json()["results"]
    assert {"type": "release", "id": str(release.number)} in [change["cause"] for change in history[0]["changes"]]
    refused = api.patch(
        f"/copies/{copy['id']}/answers", {"answers": {"kennel_name": "A"}, "answer_pools": {"houses": []}}
    ).json()
    assert [(fault["code"], fault["did_you_mean"]) for fault in refused["errors"]] == [
        ("unknown_question", "trade_name"),
        ("unknown_pool", "buildings"),
    ]
    assert "kennel_name" in read(api, copy, "?at_version=1")["answers"]
    assert "kennel_name" not in read(api, copy)["answers"]


def test_a_revert_reports_what_the_present_release_refuses(api: Api, copy: dict[str, Any]) -> None:
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"kennel_name": "Tails"}})
    publish_release(with_question("kennel_name", validate=("max:5",)))

    told = api.post(f"/copies/{copy['id']}/revert", {"version": 1}).json()

    assert told["refused"] == ["kennel_name"]
    found = read(api, copy)
    assert found["answers"]["kennel_name"]["value"] == "Happy Tails"
    assert errors(found) == {"kennel_name": "max"}
