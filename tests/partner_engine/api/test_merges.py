"""``POST /copies/{id}/merge`` and its undoing: guards, refusals, and what callers may see."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample
from tenants.access import Right
from tenants.models import ApiClient
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db


def fork(api: Api, sample: Sample) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a base and a copy of it that both changed the deductible."""
    base = api.start(sample)
    made = api.post(f"/application_forms/{base['id']}/copies", {"title": "What if"}).json()
    for copy, value in ((base, "d500"), (made, "d2500")):
        response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_bop_deductible": value}})
        assert response.status_code == 200, response.content
    return api.get(f"/copies/{base['id']}").json(), api.get(f"/copies/{made['id']}").json()


def order(copy: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"from_copy": copy["id"], "from_version": copy["version"], **more}


def test_a_clash_is_refused_until_it_has_a_pick(api: Api, s1: Sample) -> None:
    base, copy = fork(api, s1)
    address = f"/copies/{base['id']}/merge"
    plan = api.post(f"{address}?dry_run=true", order(copy)).json()
    (clash,) = plan["differences"]

    assert (clash["sort"], clash["pick"], plan["unpicked"]) == ("clash", None, [clash["id"]])
    assert (clash["mine"]["answer"]["value"], clash["theirs"]["answer"]["value"]) == ("d500", "d2500")
    problem = assert_problem(api.post(address, order(copy), if_match=f'"{base["version"]}"'), 422, "merge_refused")
    assert [(fault["pointer"], fault["path"], fault["code"]) for fault in problem["errors"]] == [
        (f"/picks/{clash['id']}", "mqs_bop_deductible", "clash_unpicked")
    ]
    assert api.get(f"/copies/{base['id']}").json() == base

    merged = api.post(
        address, order(copy, picks={clash["id"]: "theirs"}), if_match=f'"{base["version"]}"', idempotency_key="one"
    )
    again = api.post(
        address, order(copy, picks={clash["id"]: "theirs"}), if_match=f'"{base["version"]}"', idempotency_key="one"
    )

    assert (merged.status_code, merged["ETag"]) == (200, f'"{base["version"] + 1}"')
    assert again.content == merged.content
    assert api.get(f"/copies/{base['id']}").json()["answers"]["mqs_bop_deductible"]["value"] == "d2500"


def test_what_moved_since_the_plan_refuses_the_merge(api: Api, s1: Sample) -> None:
    base, copy = fork(api, s1)
    address, picks = f"/copies/{base['id']}/merge", {}
    stale = {**order(copy), "from_version": copy["version"] - 1}

    assert_problem(api.post(address, stale, if_match=f'"{base["version"]}"'), 409, "source_moved")
    assert_problem(api.post(address, order(copy), if_match='"1"'), 412, "version_mismatch")
    assert_problem(api.post(address, order(copy)), 428, "precondition_required")
    unpinned = {"from_copy": copy["id"], "picks": picks}
    assert_problem(api.post(address, unpinned, if_match=f'"{base["version"]}"'), 422, "invalid_body")
    assert api.get(f"/copies/{base['id']}").json() == base


def test_refusals(api: Api, harbor_client: ApiClient, s1: Sample) -> None:
    base, copy = fork(api, s1)
    address = f"/copies/{base['id']}/merge"

    assert_problem(api.post(f"{address}?dry_run=true", {"from_copy": base["id"]}), 422, "same_copy")
    assert_problem(api.post(f"{address}?dry_run=true", {"from_copy": NOBODY}), 404, "not_found")
    unknown = order(copy, picks={"0000": "mine"})
    problem = assert_problem(api.post(f"{address}?dry_run=true", unknown), 422, "merge_refused")
    assert problem["errors"][0]["pointer"] == "/picks/0000"
    assert_problem(api.post(f"{address}/undo"), 409, "no_merge_to_undo")
    blind = Api(harbor_client, [Right.WRITE_FORMS])
    assert_problem(blind.post(f"{address}?dry_run=true", order(copy)), 403, "missing_right")
    api.post(f"/copies/{base['id']}/lock")
    assert_problem(api.post(address, order(copy), if_match=f'"{base["version"] + 1}"'), 422, "merge_refused")


def test_a_plan_shows_no_more_than_the_reader_may_see(api: Api, harbor_client: ApiClient, s1: Sample) -> None:
    base, copy = fork(api, s1)
    answers = {"mqs_fein": "00-1234567", "mqs_phone": "6145550199"}
    assert api.patch(f"/copies/{copy['id']}/answers", {"answers": answers}).status_code == 200
    reader = Api(harbor_client, [Right.READ_FORMS, Right.WRITE_FORMS])

    plan = reader.post(f"/copies/{base['id']}/merge?dry_run=true", {"from_copy": copy["id"]}).json()

    shown = {found["path"]: found["theirs"]["answer"]["value"] for found in plan["differences"]}
    assert shown["mqs_fein"] == "•••• 4567"
    assert "1234567" not in str(plan)
    assert "5550199" not in str(plan)
