"""``PATCH /copies/{id}/answers``."""

from __future__ import annotations

import pytest

from batch.models import IdempotencyRecord
from catalogue.demo import Sample
from copies.models import CopyRevision
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db


def test_many_answers_and_rows_in_one_save(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    location = copy["answer_pools"]["locations"][0]
    building = location["answer_pools"]["buildings"][0]

    response = api.patch(
        f"/copies/{copy['id']}/answers",
        {
            "answers": {"mqs_gl_limit": "l2m", "mqs_bop_deductible": "d2500"},
            "answer_pools": {
                "locations": [
                    {
                        "id": location["id"],
                        "answers": {"mqs_loc_street": "14 Pecan St"},
                        "answer_pools": {"buildings": [{"id": building["id"], "answers": {"mqs_bld_desc": "Front"}}]},
                    }
                ]
            },
        },
    )

    assert (response.status_code, response["ETag"]) == (200, '"2"')
    told = response.json()
    assert (told["version"], told["dry_run"]) == (2, False)
    given = {change["path"]: (change["before"], change["after"]) for change in told["changes"]}
    assert given == {
        "mqs_gl_limit": ("l1m", "l2m"),
        "mqs_bop_deductible": ("d1000", "d2500"),
        f"locations/{location['id']}/mqs_loc_street": ("12 Pecan St", "14 Pecan St"),
        f"locations/{location['id']}/buildings/{building['id']}/mqs_bld_desc": ("Main", "Front"),
    }
    assert {product: outcome["premium"] for product, outcome in told["eligibility"].items()} == {
        "QM-BOP": 2553,
        "LF-BOP": 2822,
    }
    assert api.get(f"/copies/{copy['id']}").json()["version"] == 2


def test_rows_are_added_and_removed(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    old = copy["answer_pools"]["prior_losses"][0]["id"]

    response = api.patch(
        f"/copies/{copy['id']}/answers",
        {"answer_pools": {"prior_losses": [{"id": old, "delete": True}, {"answers": {"mqs_loss_paid": "$1,200"}}]}},
    )

    assert response.status_code == 200, response.content
    rows = api.get(f"/copies/{copy['id']}").json()["answer_pools"]["prior_losses"]
    assert [row["answers"]["mqs_loss_paid"]["value"] for row in rows] == [1200]
    assert rows[0]["id"] != old


def test_removing_and_restoring_a_line_returns_every_answer(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    url = f"/copies/{copy['id']}/answers"

    off = api.patch(url, {"answers": {"mqs_lobs": ["wc"]}}).json()
    back = api.patch(url, {"answers": {"mqs_lobs": ["bop", "wc"]}}).json()

    assert off["eligibility"]["QM-BOP"] is None
    assert back["eligibility"]["QM-BOP"]["premium"] == 2451
    after = api.get(f"/copies/{copy['id']}").json()
    values = {code: answer["value"] for code, answer in copy["answers"].items()}
    assert {code: answer["value"] for code, answer in after["answers"].items()} == values
    assert after["eligibility"] == copy["eligibility"]


def test_a_save_that_changes_nothing_makes_no_version(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l1m"}})

    assert (response.status_code, response["ETag"], response.json()["changes"]) == (200, '"1"', [])


def test_every_fault_is_reported_at_its_pointer_and_nothing_is_changed(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.patch(
        f"/copies/{copy['id']}/answers",
        {
            "answers": {"mqs_gl_limit": "l2m", "mqs_nothing": 1, "mqs_annual_revenue": "much"},
            "answer_pools": {"locations": [{"id": NOBODY, "answers": {}}, {"answers": {"mqs_gl_limit": "l2m"}}]},
        },
    )

    problem = assert_problem(response, 422, "invalid_answers")
    assert {fault["pointer"] for fault in problem["errors"]} == {
        "/answers/mqs_nothing",
        "/answers/mqs_annual_revenue",
        "/answer_pools/locations/0/id",
        "/answer_pools/locations/1/answers/mqs_gl_limit",
    }
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_an_intrinsic_fault_found_by_the_rules_has_its_pointer_too(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_full_time_emp": 5_000}})

    problem = assert_problem(response, 422, "invalid_answers")
    assert [(fault["pointer"], fault["path"]) for fault in problem["errors"]] == [
        ("/answers/mqs_full_time_emp", "mqs_full_time_emp")
    ]


def test_a_dry_run_returns_the_result_and_changes_nothing(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)
    url = f"/copies/{copy['id']}/answers"

    dry = api.patch(f"{url}?dry_run=true", {"answers": {"mqs_gl_liquor_pct": 35}}, Idempotency_Key="dry")

    told = dry.json()
    assert (dry.status_code, dry["ETag"], told["dry_run"], told["version"]) == (200, '"1"', True, 1)
    assert told["eligibility"]["QM-BOP"]["outcome"] == "decline"
    assert [reason["rule"] for reason in told["eligibility"]["QM-BOP"]["reasons"]] == ["QB5"]
    with use_tenant(harbor):
        assert CopyRevision.objects.count() == 1
        assert IdempotencyRecord.objects.count() == 0
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_an_old_version_is_412_and_changes_nothing(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    url = f"/copies/{copy['id']}/answers"
    api.patch(url, {"answers": {"mqs_gl_limit": "l2m"}}, If_Match='"1"')

    response = api.patch(url, {"answers": {"mqs_gl_limit": "l300"}}, If_Match='"1"')

    assert_problem(response, 412, "version_mismatch")
    after = api.get(f"/copies/{copy['id']}").json()
    assert (after["version"], after["answers"]["mqs_gl_limit"]["value"]) == (2, "l2m")


def test_a_dry_run_respects_if_match(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.patch(f"/copies/{copy['id']}/answers?dry_run=true", {"answers": {}}, If_Match='"9"')

    assert_problem(response, 412, "version_mismatch")


def test_a_locked_copy_takes_no_answers(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.post(f"/copies/{copy['id']}/lock")

    response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})

    assert_problem(response, 423, "copy_locked")
    assert api.post(f"/copies/{copy['id']}/unlock").json()["locked_at"] is None
    assert api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}}).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"answer": {}}, "/answer"), ({"answers": {}, "version": 7}, "/version"), ({"answers": []}, "/answers")],
)
def test_unknown_fields_and_types_are_refused(api: Api, s1: Sample, body: dict[str, object], pointer: str) -> None:
    copy = api.start(s1)

    problem = assert_problem(api.patch(f"/copies/{copy['id']}/answers", body), 422, "invalid_body")

    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


def test_a_form_id_of_another_copy_is_not_found(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    second = api.post(f"/application_forms/{copy['id']}/copies", {"title": "Second"}).json()
    api.post(f"/copies/{second['id']}/make_base")
    api.delete(f"/copies/{copy['id']}")

    response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})

    assert_problem(response, 404, "not_found")
