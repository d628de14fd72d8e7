"""``/copies/{id}/changes`` and ``/copies/{id}/history``."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from tenants.access import Right
from tenants.models import ApiClient
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db


def test_changes_since_a_version_are_folded_by_path(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    url = f"/copies/{copy['id']}"
    api.patch(f"{url}/answers", {"answers": {"mqs_gl_limit": "l2m"}})
    api.patch(f"{url}/answers", {"answers": {"mqs_gl_limit": "l300", "mqs_bop_deductible": "d2500"}})
    api.patch(f"{url}/answers", {"answers": {"mqs_bop_deductible": "d1000"}})

    told = api.get(f"{url}/changes?since=1").json()

    assert told["version"] == 4
    assert [(change["path"], change["before"], change["after"]) for change in told["changes"]] == [
        ("mqs_gl_limit", "l1m", "l300")
    ]
    now = api.get(url).json()
    moved = {product for product in copy["eligibility"] if copy["eligibility"][product] != now["eligibility"][product]}
    assert told["eligibility"] == {product: now["eligibility"][product] for product in moved}
    assert told["needed"] == now["needed"]


def test_nothing_changed_since_now(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.get(f"/copies/{copy['id']}/changes?since=1")

    assert (response.json()["changes"], response.json()["eligibility"]) == ([], {})
    again = api.get(f"/copies/{copy['id']}/changes?since=1", If_None_Match=response["ETag"])
    assert again.status_code == 304


def test_a_product_that_is_no_longer_asked_for_is_null(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_lobs": ["bop"]}})

    told = api.get(f"/copies/{copy['id']}/changes?since=1").json()

    assert told["eligibility"]["TT-WC"] is None


def test_a_future_version(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    assert_problem(api.get(f"/copies/{copy['id']}/changes?since=2"), 404, "no_such_version")
    assert_problem(api.get(f"/copies/{copy['id']}/changes?since=-1"), 400, "invalid_query")


def test_history_lists_every_version_in_pages(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    for limit in ("l2m", "l300", "l500"):
        api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": limit}}, X_Correlation_ID=limit)

    first = api.get(f"/copies/{copy['id']}/history?limit=3").json()
    second = api.get(first["next"].removeprefix("/api/v1")).json()

    assert [revision["version"] for revision in first["results"] + second["results"]] == [4, 3, 2, 1]
    assert second["next"] is None
    latest = first["results"][0]
    assert (latest["correlation_id"], latest["by"]["type"], latest["label"]) == ("l500", "api_client", "Harbor")
    assert ("mqs_gl_limit", "l300", "l500") in [
        (change["path"], change["before"], change["after"]) for change in latest["changes"]
    ]


@pytest.mark.parametrize("cursor", ["x", "LTE", "MTIzNDU2Nzg5MDEyMw"])
def test_an_invalid_cursor(api: Api, s1: Sample, cursor: str) -> None:
    copy = api.start(s1)

    assert_problem(api.get(f"/copies/{copy['id']}/history?cursor={cursor}"), 400, "invalid_cursor")


@pytest.mark.parametrize("missing", [Right.READ_PERSONAL, Right.READ_CATALOGUE, Right.READ_FORMS])
def test_a_decision_with_its_release_needs_the_rights_to_all_that_it_holds(
    api: Api, harbor_client: ApiClient, s1: Sample, missing: Right
) -> None:
    url = f"/copies/{api.start(s1)['id']}/decision"
    rights = [Right.READ_FORMS, Right.READ_PERSONAL, Right.READ_CATALOGUE]

    assert_problem(Api(harbor_client, [right for right in rights if right != missing]).get(url), 403, "missing_right")
    assert Api(harbor_client, rights).get(url).status_code == 200
