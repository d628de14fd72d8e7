"""The story of copies: four copies of one restaurant, made over the API, with their expected outcomes; one pick of one
of them is merged back, and taken back again.
"""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Expected, Sample
from catalogue.models import Release
from tenants.models import ApiClient
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(demo: Release, harbor_client: ApiClient) -> Api:
    return Api(harbor_client)


def outcomes(copy: dict[str, Any], expect: dict[str, Expected]) -> dict[str, Expected]:
    """Return what a copy decided, in the shape of what is expected of it."""
    found = {}
    for product, wanted in expect.items():
        outcome = copy["eligibility"][product]
        rules = {reason["rule"] for reason in outcome["reasons"]}
        details = tuple(detail for detail in wanted.details if detail in rules)
        found[product] = Expected(outcome=outcome["outcome"], premium=outcome["premium"], details=details)
    return found


def test_four_copies_one_merge_and_its_undoing(api: Api, samples: dict[str, Sample]) -> None:
    story = [sample for sample in samples.values() if sample.copy_of == "S1"]
    base = api.start(samples["S1"])
    copies: dict[str, dict[str, Any]] = {}
    for sample in story:
        copy = base
        if not sample.is_base:
            address = f"/application_forms/{base['id']}/copies"
            made = api.post(address, {"title": sample.title, "from_copy": base["id"]}).json()
            before = samples["S1"].answers
            changed = {code: value for code, value in sample.answers.items() if before.get(code) != value}
            assert api.patch(f"/copies/{made['id']}/answers", {"answers": changed}).status_code == 200
            copy = api.get(f"/copies/{made['id']}").json()
        copies[sample.title] = copy
        assert outcomes(copy, sample.expect) == sample.expect, sample.title
    assert len(copies) == 4

    higher = copies["Higher limit and deductible"]
    order = {"from_copy": higher["id"], "from_version": higher["version"]}
    plan = api.post(f"/copies/{base['id']}/merge?dry_run=true", order).json()

    assert {found["path"]: (found["sort"], found["pick"]) for found in plan["differences"]} == {
        "mqs_gl_limit": ("theirs", "theirs"),
        "mqs_bop_deductible": ("theirs", "theirs"),
    }
    assert plan["ancestor"] == {"id": base["id"], "version": base["version"]}
    assert {code: found["premium"] for code, found in plan["result"]["eligibility"].items()} == {
        "QM-BOP": 2553,
        "LF-BOP": 2822,
    }
    assert api.get(f"/copies/{base['id']}").json() == base

    limit = next(found["id"] for found in plan["differences"] if found["path"] == "mqs_gl_limit")
    merge = {**order, "picks": {limit: "theirs"}, "others": "mine"}
    merged = api.post(f"/copies/{base['id']}/merge", merge, if_match=f'"{base["version"]}"')

    assert merged.status_code == 200, merged.content
    changes = merged.json()["result"]["changes"]
    assert [(change["path"], change["after"]) for change in changes] == [("mqs_gl_limit", "l2m")]
    cause = {"type": "merge", "id": f"{higher['id']}@{higher['version']}"}
    assert changes[0]["cause"] == cause
    history = api.get(f"/copies/{base['id']}/history").json()["results"]
    assert (history[0]["cause"], history[0]["by"]["type"]) == (cause, "api_client")

    undone = api.post(f"/copies/{base['id']}/merge/undo")

    assert (undone.status_code, undone.json()["kept"]) == (200, [])
    now = api.get(f"/copies/{base['id']}").json()
    assert now["answers"] == base["answers"]
    assert outcomes(now, samples["S1 Base"].expect) == samples["S1 Base"].expect
    again = api.post(f"/copies/{base['id']}/merge?dry_run=true", order).json()
    assert [found["id"] for found in again["differences"]] == [found["id"] for found in plan["differences"]]
