"""The JSON Schema of a catalogue takes the answers of its samples, and refuses what no form takes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from catalogue.demo import Sample
from catalogue.models import Release
from tests.harness.api_client import Api, form_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema(api: Api) -> dict[str, Any]:
    response = api.get("/catalogue/json_schema")
    found: dict[str, Any] = response.json()
    jsonschema.Draft202012Validator.check_schema(found)
    assert api.get("/catalogue/json_schema", If_None_Match=response["ETag"]).status_code == 304
    return found


def test_it_takes_what_forms_take_and_refuses_what_they_refuse(schema: dict[str, Any], api: Api, s1: Sample) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    body = form_body(s1)

    assert [error.message for error in validator.iter_errors(body)] == []
    for wrong in (
        {"answers": {"mqs_nothing": "x"}},
        {"answers": {"mqs_legal_entity": "LLCC"}},
        {"answers": {"mqs_lobs": ["bopp"]}},
        {"answers": {"mqs_full_time_emp": "many"}},
        {"answer_pools": {"location": []}},
        {"answer_pools": {"locations": [{"answers": {"mqs_loc_zip": "x"}}]}},
    ):
        assert not validator.is_valid(wrong), wrong
        assert api.post("/application_forms", wrong).status_code == 422, wrong


def test_it_has_exactly_the_questions_of_the_catalogue(schema: dict[str, Any], api: Api, demo: Release) -> None:
    sets = api.get("/catalogue").json()["question_sets"]
    top = {question["code"] for one in sets if one["pool"] is None for question in one["questions"]}
    rows = {one["pool"]["code"] for one in sets if one["pool"]}

    assert set(schema["properties"]["answers"]["properties"]) == top
    assert {name.removeprefix("row.") for name in schema["$defs"] if name.startswith("row.")} == rows
    sensitive = schema["properties"]["answers"]["properties"]["mqs_fein"]
    assert sensitive["x-sensitivity"] == "spi"
    assert api.get("/catalogue/json_schema?code=nonsense").status_code == 422
