"""``/me`` and ``/catalogue``, and deprecated addresses."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from tenants.access import Right
from tenants.models import Tenant
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db


def test_who_calls(api: Api, harbor: Tenant) -> None:
    told = api.get("/me").json()

    assert (told["type"], told["label"], told["source"]) == ("api_client", "Harbor", "api")
    assert told["rights"] == sorted(set(Right) - {Right.CLONE_TO_TENANTS})
    assert told["tenant"] == {
        "id": str(harbor.id),
        "code": "harbor",
        "name": harbor.name,
        "time_zone": harbor.time_zone,
        "catalogue": "demo_small_commercial",
    }


def test_the_catalogue_contains_questions_and_no_rates(api: Api) -> None:
    response = api.get("/catalogue")

    told = response.json()
    assert (told["code"], len(told["question_sets"]), len(told["products"])) == ("demo_small_commercial", 18, 10)
    questions = {found["code"]: found for part in told["question_sets"] for found in part["questions"]}
    assert len(questions) == 105
    assert questions["mqs_fein"]["sensitivity"] == "spi"
    assert {"code": "bop", "label": "Business owners"} in questions["mqs_lobs"]["choices"]
    buildings = next(
        found["pool"] for found in told["question_sets"] if found["pool"] and found["pool"]["code"] == "buildings"
    )
    assert buildings["parent"] == "locations"
    assert b"rating" not in response.content
    assert api.get("/catalogue", If_None_Match=response["ETag"]).status_code == 304


def test_an_unknown_catalogue(api: Api) -> None:
    assert_problem(api.get("/catalogue?code=pets"), 422, "unknown_catalogue")


def test_the_old_address_of_answers_works_and_is_deprecated(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    copy = api.post(f"/application_forms/{base['id']}/copies", {"title": "Second"}).json()

    response = api.patch(f"/application_forms/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})

    assert (response.status_code, response.json()["id"]) == (200, copy["id"])
    assert response["Deprecation"] == "@1793491200"
    assert response["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    assert response["Link"].startswith(f'</api/v1/copies/{copy["id"]}/answers>; rel="successor-version", ')
    assert 'rel="deprecation"' in response["Link"] and 'rel="sunset"' in response["Link"]
    assert api.get(f"/copies/{base['id']}").json()["version"] == 1


def test_errors_of_the_old_address_are_deprecated_too(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.patch(f"/application_forms/{copy['id']}/answers", {"answers": {"mqs_x": 1}})

    assert_problem(response, 422, "invalid_answers")
    assert "Sunset" in response
    assert "Sunset" not in api.patch(f"/copies/{copy['id']}/answers", {"answers": {}})
