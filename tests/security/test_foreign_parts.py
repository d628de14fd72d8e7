"""Requests for the caller's own copy with parts of another tenant's, and sessions at the API of another tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalogue.demo import Sample
from tenants.models import User
from tests.harness.api_client import V1, Api, assert_problem
from tests.harness.stored_versions import version_of
from tests.partner_engine.api.test_routes import OF_ONE, start

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]


def test_a_session_finds_nothing_of_another_tenant_in_the_api(
    subtests: pytest.Subtests, api: Api, s1: Sample, stranger: User, sign_in: SignIn
) -> None:
    copy, client = start(api, s1), sign_in(stranger)

    for row in OF_ONE:
        with subtests.test(str(row)):
            response = client.generic(row.method, f"{V1}/{row.path(copy['id'])}", row.body, "application/json")

            assert response.status_code in (403, 404)
            assert response.status_code == 404 or str(row.right) in response.json()["detail"]
            assert version_of(copy["id"]) == copy["version"]
    assert api.get(f"/copies/{copy['id']}").json() == copy


class TestForeignParts:
    """Requests for the caller's own copy with parts of another tenant's."""

    @pytest.fixture
    def pair(self, api: Api, foreigner: Api, s1: Sample) -> tuple[dict[str, Any], dict[str, Any]]:
        return api.start(s1), foreigner.start(s1)

    @pytest.mark.parametrize("change", [{"answers": {"mqs_loc_state": "OH"}}, {"delete": True}])
    def test_rows(self, change: dict[str, Any], pair: Any, api: Api, foreigner: Api) -> None:
        mine, theirs = pair
        row = theirs["answer_pools"]["locations"][0]["id"]
        body = {"answers": {"mqs_annual_revenue": 9}, "answer_pools": {"locations": [{"id": row, **change}]}}

        problem = assert_problem(api.patch(f"/copies/{mine['id']}/answers", body), 422, "invalid_answers")

        assert [fault["code"] for fault in problem["errors"]] == ["unknown_row"]
        assert api.get(f"/copies/{mine['id']}").json() == mine
        assert foreigner.get(f"/copies/{theirs['id']}").json() == theirs

    def test_the_source_of_a_copy(self, pair: Any, api: Api) -> None:
        mine, theirs = pair

        refused = [
            api.post(f"/application_forms/{mine['id']}/copies", {"from_copy": source})
            for source in (theirs["id"], "01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10")
        ]

        # The response does not reveal which of them exists.
        assert [response.status_code for response in refused] == [422, 422]
        assert refused[0].json()["errors"] == refused[1].json()["errors"]

    def test_explanations(self, pair: Any, api: Api) -> None:
        mine, theirs = pair
        row = theirs["answer_pools"]["locations"][0]["id"]

        response = api.get(f"/copies/{mine['id']}/explain?target=question:locations/{row}/mqs_loc_state")

        assert_problem(response, 422, "unknown_target")

    def test_a_cursor(self, pair: Any, api: Api, foreigner: Api, s1: Sample) -> None:
        mine, _ = pair
        foreigner.start(s1)
        following = foreigner.get("/application_forms?limit=1").json()["next"]

        found = api.get(following.removeprefix(V1)).json()["results"]

        assert {form["id"] for form in found} <= {mine["id"]}

    def test_an_owner(self, pair: Any, api: Api, stranger: User) -> None:
        assert api.get(f"/application_forms?owner={stranger.id}").json()["results"] == []

    def test_a_key(self, api: Api, foreigner: Api, s1: Sample) -> None:
        mine, theirs = api.start(s1, Idempotency_Key="same"), foreigner.start(s1, Idempotency_Key="same")

        assert mine["id"] != theirs["id"]
        assert_problem(foreigner.get(f"/copies/{mine['id']}"), 404, "not_found")

    def test_a_row_put_back_from_a_strangers_version(self, pair: Any, api: Api, owner: User, sign_in: SignIn) -> None:
        mine, theirs = pair
        path = f"locations/{theirs['answer_pools']['locations'][0]['id']}"

        response = sign_in(owner).post(
            reverse("web:rows", args=[mine["id"]]), {"order": "put-back", "path": path, "version": "1"}
        )

        assert response.status_code == 422
        assert api.get(f"/copies/{mine['id']}").json() == mine
