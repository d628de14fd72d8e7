"""``GET /appetite``: the products that want a business, from any part of its answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db

SSN_IN_ROW = {"owners": [{"answers": {"mqs_own_ssn": "987-65-4321"}}]}


def query(**parts: Any) -> str:
    return "/appetite?" + urlencode(
        {name: part if isinstance(part, str) else json.dumps(part) for name, part in parts.items()}
    )


def test_products_say_yes_no_or_what_they_depend_on(api: Api) -> None:
    response = api.get(
        query(answers={"mqs_naics": "722511", "mqs_lobs": ["bop", "gl"], "mqs_annual_revenue": "4 million"})
    )

    assert response.status_code == 200, response.content
    found = response.json()["products"]
    assert set(found) == {"QM-BOP", "LF-BOP", "OH-BOP", "QM-GL", "TT-GL", "OH-GL"}
    assert found["QM-BOP"]["wanted"] == "no"
    assert found["QM-BOP"]["reasons"] == [{"rule": "QB2", "text": "Revenue over 3M", "effect": "decline"}]
    assert found["LF-BOP"]["wanted"] == "depends"
    assert {"path": "locations", "label": "Locations and buildings"} in found["LF-BOP"]["depends_on"]


def test_rows_are_answers_too(api: Api) -> None:
    pools = {"wc_classes": [{"answers": {"mqs_wcc_state": "TX", "mqs_wcc_code": "5551", "mqs_wcc_payroll": 100000}}]}

    found = api.get(query(answers={"mqs_lobs": ["wc"]}, answer_pools=pools)).json()["products"]

    assert found["TT-WC"]["wanted"] == "no"
    assert [reason["rule"] for reason in found["TT-WC"]["reasons"]] == ["TW4"]


def test_nothing_is_stored(api: Api) -> None:
    before = api.get("/application_forms").json()

    api.get(query(answers={"mqs_naics": "722511"}))

    assert api.get("/application_forms").json() == before


@pytest.mark.parametrize(
    ("parts", "status", "code", "fault"),
    [
        ({"answers": "{"}, 400, "invalid_query", "answers"),
        ({"answers": "[]"}, 400, "invalid_query", "answers"),
        ({"answers": {"mqs_naisc": "722511"}}, 422, "invalid_answers", "mqs_naisc"),
        ({"answers": {"mqs_naics": "99"}}, 422, "invalid_answers", "mqs_naics"),
        ({"answers": {"mqs_email": "owner@example.com"}}, 422, "sensitive_in_address", "mqs_email"),
        (
            {"answer_pools": SSN_IN_ROW},
            422,
            "sensitive_in_address",
            "mqs_own_ssn",
        ),
    ],
)
def test_what_is_wrong_is_named(api: Api, parts: dict[str, Any], status: int, code: str, fault: str) -> None:
    problem = assert_problem(api.get(query(**parts)), status, code)

    assert [item["path"] for item in problem["errors"]] == [fault]


def test_the_same_appetite_is_sent_once(api: Api) -> None:
    address = query(answers={"mqs_naics": "722511"})
    etag = api.get(address)["ETag"]

    assert api.get(address, If_None_Match=etag).status_code == 304


def test_the_table_has_industries_and_states(api: Api) -> None:
    one = api.get("/appetite/table?industry=722511&state=TX").json()["rows"]
    many = api.get("/appetite/table?industry=7225").json()["rows"]

    assert [(row["industry"], row["state"], row["wanted"]["QM-BOP"]) for row in one] == [("722511", "TX", "depends")]
    assert len(many) == 4 * 51
    assert one[0] in many


@pytest.mark.parametrize("query", ["", "industry=7", "industry=restaurants", "industry=7225111"])
def test_the_table_is_asked_for_by_industry(api: Api, query: str) -> None:
    assert_problem(api.get(f"/appetite/table?{query}"), 400, "invalid_query")
