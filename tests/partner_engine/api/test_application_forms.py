"""``/application_forms``: start, list, read, copy."""

from __future__ import annotations

from uuid import uuid4

import pytest

from catalogue.demo import Sample, read_samples
from forms.models import ApplicationForm
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem, form_body

pytestmark = pytest.mark.django_db

SAMPLES = {sample.id: sample for sample in read_samples()}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_sample_is_decided_as_expected(api: Api, sample: Sample) -> None:
    copy = api.start(sample)

    decided = {
        product: (found["outcome"], {reason["rule"] for reason in found["reasons"]} | set(found["missing"]))
        for product, found in copy["eligibility"].items()
    }
    assert decided == {
        product: (expected.outcome, set(expected.details)) for product, expected in sample.expect.items()
    }
    premiums = {product: found["premium"] for product, found in copy["eligibility"].items()}
    assert premiums == {product: expected.premium for product, expected in sample.expect.items()}
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_a_new_form_returns_its_copy(api: Api, s1: Sample) -> None:
    response = api.post("/application_forms", form_body(s1))

    copy = response.json()
    assert (response.status_code, response["ETag"]) == (201, '"1"')
    assert response["Location"] == f"/api/v1/copies/{copy['id']}"
    assert response["Cache-Control"] == "no-store"
    assert copy["application_form_id"] == copy["id"]
    assert (copy["title"], copy["version"], copy["as_of"]) == ("Copper Kettle Bistro LLC", 1, "2026-06-01")
    assert copy["answers"]["mqs_business_name"] | {"updated_at": None} == {
        "value": "Copper Kettle Bistro LLC",
        "active": True,
        "required": "quote",
        "readonly": False,
        "answered_by": {"type": "api_client", "id": copy["answers"]["mqs_naics"]["answered_by"]["id"], "source": "api"},
        "updated_at": None,
    }
    assert copy["answers"]["mqs_fein"]["value"] == "•••• 0001"
    assert (copy["answers"]["mqs_fein"]["sensitive"], copy["answers"]["mqs_fein"]["masked"]) == ("spi", True)


def test_an_empty_form_needs_answers(api: Api) -> None:
    copy = api.post("/application_forms").json()

    assert copy["state"] == "incomplete"
    assert "mqs_business_name" in copy["needed"]["quote"]
    assert copy["eligibility"] == {}


def test_an_evaluation_date_needs_its_right(harbor_client: ApiClient, harbor: Tenant, demo: None) -> None:
    plain = Api(harbor_client, [Right.READ_FORMS, Right.WRITE_FORMS])

    response = plain.post("/application_forms", {"as_of": "2026-06-01"})

    problem = assert_problem(response, 403, "missing_right")
    assert "forms:as_of" in problem["detail"]
    with use_tenant(harbor):
        assert not ApplicationForm.objects.exists()


@pytest.mark.parametrize("as_of", ["0001-01-01", "9999-12-31", "June", 20260601])
def test_an_impossible_evaluation_date_is_refused(api: Api, as_of: object) -> None:
    problem = assert_problem(api.post("/application_forms", {"as_of": as_of}), 422, "invalid_body")

    assert [fault["pointer"] for fault in problem["errors"]] == ["/as_of"]


def test_an_unknown_catalogue(api: Api) -> None:
    assert_problem(api.post("/application_forms", {"catalogue": "pets"}), 422, "unknown_catalogue")


def test_faults_in_nested_rows_are_reported_at_their_pointers(api: Api, harbor: Tenant) -> None:
    body = {
        "answer_pools": {
            "locations": [{"answer_pools": {"buildings": [{"answers": {"mqs_bld_sqft": [], "mqs_x": 1}}]}}]
        }
    }

    problem = assert_problem(api.post("/application_forms", body), 422, "invalid_answers")

    pointers = [fault["pointer"] for fault in problem["errors"]]
    assert "/answer_pools/locations/0/answer_pools/buildings/0/answers/mqs_x" in pointers
    with use_tenant(harbor):
        assert not ApplicationForm.objects.exists()


def test_a_form_is_read_by_its_id_and_by_a_copy_id(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    second = api.post(f"/application_forms/{base['id']}/copies", {"title": "Second"}).json()

    by_form = api.get(f"/application_forms/{base['id']}").json()
    by_copy = api.get(f"/application_forms/{second['id']}").json()

    assert by_form["id"] == by_copy["id"] == base["id"]
    assert by_form["copy"]["id"] == base["id"]
    assert by_copy["copy"] == second
    assert [copy["title"] for copy in by_copy["copies"]] == ["Copper Kettle Bistro LLC", "Second"]


def test_a_form_that_the_caller_has_is_304(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    first = api.get(f"/application_forms/{copy['id']}")

    again = api.get(f"/application_forms/{copy['id']}", If_None_Match=first["ETag"])

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


def test_a_copy_is_made_from_a_copy(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    first = api.post(f"/application_forms/{base['id']}/copies", {"title": "Higher"}).json()
    api.patch(f"/copies/{first['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})

    response = api.post(f"/application_forms/{base['id']}/copies", {"title": "Third", "from_copy": first["id"]})

    third = response.json()
    assert response.status_code == 201
    assert (third["application_form_id"], third["version"], third["title"]) == (base["id"], 1, "Third")
    assert third["answers"]["mqs_gl_limit"]["value"] == "l2m"
    assert third["answer_pools"]["locations"][0]["id"] == base["answer_pools"]["locations"][0]["id"]
    assert api.get(f"/copies/{base['id']}").json() == base


def test_a_copy_of_another_form_is_refused(api: Api, s1: Sample) -> None:
    base, other = api.start(s1), api.start(s1)

    for from_copy in (other["id"], str(uuid4()), "x"):
        response = api.post(f"/application_forms/{base['id']}/copies", {"from_copy": from_copy})

        problem = assert_problem(response, 422, "invalid_body")
        assert [(fault["code"], fault["pointer"]) for fault in problem["errors"]] == [("unknown_copy", "/from_copy")]


def test_the_list_filters_and_searches(api: Api) -> None:
    copies = {identity: api.start(SAMPLES[identity]) for identity in ("S1", "S4", "S5")}

    def found(query: str) -> set[str]:
        results = api.get(f"/application_forms?{query}").json()["results"]
        return {result["copy"]["insured"] for result in results}

    names = {identity: SAMPLES[identity].title for identity in copies}
    assert found("") == set(names.values())
    assert found("line=gl") == {names["S4"]}
    assert found("q=kettle") == {names["S1"]}
    assert found(f"q={copies['S5']['id']}") == {names["S5"]}
    assert found("updated_since=2100-01-01T00:00:00Z") == set()
    assert found("owner=00000000-0000-0000-0000-000000000000") == set()
    assert found(f"state={copies['S1']['state']}&line=wc") == {names["S1"]}
    assert found("quotes=none") == set(names.values())
    assert found("quotes=quoted") == set()
    api.post(f"/copies/{copies['S1']['id']}/lock")
    assert found("state=locked") == {names["S1"]}


@pytest.mark.parametrize("order", ["last_touched", "-last_touched", "created", "-created"])
def test_pages_are_stable_and_whole(api: Api, order: str) -> None:
    made = [api.post("/application_forms", {"title": str(number)}).json()["id"] for number in range(7)]
    path, seen = f"/application_forms?limit=2&order={order}", []

    for _ in range(4):
        page = api.get(path).json()
        seen += [result["id"] for result in page["results"]]
        if len(seen) == 2:
            made.append(api.post("/application_forms").json()["id"])  # one that comes meanwhile moves nothing
        path = (page["next"] or "").removeprefix("/api/v1")

    expected = list(reversed(made[:7])) if order.startswith("-") else made
    assert seen == expected
    assert bool(path) is False


@pytest.mark.parametrize("cursor", ["x", "e30", "WyItY3JlYXRlZCIsbnVsbCwxXQ", "💥"])
def test_an_invalid_cursor_is_refused(api: Api, cursor: str) -> None:
    assert_problem(api.get(f"/application_forms?cursor={cursor}"), 400, "invalid_cursor")


def test_an_unknown_filter_is_refused(api: Api) -> None:
    assert_problem(api.get("/application_forms?status=open"), 400, "invalid_query")
    assert_problem(api.get("/application_forms?owner=somebody"), 400, "invalid_query")
