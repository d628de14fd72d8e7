"""``/copies/{id}/proposals``: values that nothing reads until a person confirms them, and what confirming refuses."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample
from tenants.access import Right
from tenants.models import ApiClient
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db

SOURCE = {"type": "document", "name": "acord-125.pdf"}
REVENUE = {"path": "mqs_annual_revenue", "value": "$990,000", "locator": "page 2", "confidence": 0.7}


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    return api.start(s1)


@pytest.fixture
def url(copy: dict[str, Any]) -> str:
    return f"/copies/{copy['id']}"


def propose(api: Api, url: str, *values: dict[str, Any]) -> Any:
    return api.post(f"{url}/proposals", {"source": SOURCE, "proposals": list(values)})


def picks(api: Api, url: str) -> dict[str, Any]:
    found = api.get(f"{url}/proposals").json()["proposals"]
    return {"proposals": [{"path": one["path"], "id": one["proposed"]["id"]} for one in found]}


def test_a_proposal_changes_no_decision_until_it_is_confirmed(
    api: Api, url: str, copy: dict[str, Any], harbor_client: ApiClient
) -> None:
    proposed = propose(api, url, REVENUE)

    assert proposed.status_code == 200, proposed.content
    (change,) = proposed.json()["changes"]
    assert (change["path"], change["before"], change["after"]) == ("mqs_annual_revenue", 1_250_000, 1_250_000)
    assert change["proposed"] == "acord-125.pdf, page 2 (70% sure)"
    assert proposed.json()["eligibility"] == {}
    (one,) = api.get(f"{url}/proposals").json()["proposals"]
    assert (one["path"], one["answer"], one["proposed"]["value"]) == ("mqs_annual_revenue", 1_250_000, 990_000)
    expected = {"type": "document", "name": "acord-125.pdf", "locator": "page 2", "confidence": 0.7}
    assert one["proposed"]["source"] == expected
    assert one["proposed"]["by"] == {"type": "api_client", "id": str(harbor_client.pk), "source": "api"}
    present = api.get(url).json()
    assert present["eligibility"] == copy["eligibility"]
    assert present["answers"]["mqs_annual_revenue"]["value"] == 1_250_000

    tried = api.post(f"{url}/proposals/accept?dry_run=true", picks(api, url)).json()
    assert tried["dry_run"] and tried["eligibility"]
    assert len(picks(api, url)["proposals"]) == 1
    confirmed = api.post(f"{url}/proposals/accept", picks(api, url))

    assert confirmed.json()["eligibility"] == tried["eligibility"]
    answer = api.get(url).json()["answers"]["mqs_annual_revenue"]
    assert (answer["value"], "proposed" in answer) == (990_000, False)
    later, earlier, *_ = api.get(f"{url}/history").json()["results"]
    assert [one["proposed"] for one in later["changes"] if one["path"] == "mqs_annual_revenue"] == [""]
    assert earlier["changes"] == proposed.json()["changes"]


def test_an_answer_or_another_proposal_in_between_is_a_conflict(api: Api, url: str) -> None:
    propose(api, url, REVENUE, {"path": "mqs_mail_zip", "value": "78702"})
    read = picks(api, url)
    propose(api, url, REVENUE | {"value": "$980,000"})
    api.patch(f"{url}/answers", {"answers": {"mqs_mail_zip": "78703"}})
    version = api.get(url).json()["version"]

    for order in ("accept", "dismiss"):
        problem = assert_problem(api.post(f"{url}/proposals/{order}", read), 409, "proposal_changed")
        assert {fault["path"] for fault in problem["errors"]} == {"mqs_annual_revenue", "mqs_mail_zip"}

    assert api.get(url).json()["version"] == version
    assert api.post(f"{url}/proposals/dismiss", picks(api, url)).status_code == 200
    assert picks(api, url) == {"proposals": []}
    assert api.get(url).json()["answers"]["mqs_annual_revenue"]["value"] == 1_250_000


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        ({"path": "mqs_nothing", "value": "x"}, "unknown_question", "/proposals/1"),
        ({"path": "mqs_mail_state", "value": "Texahoma"}, "unknown_choice", "/proposals/1"),
        ({"path": "mqs_annual_revenue", "value": "much"}, None, "/proposals/1"),
        ({"path": "mqs_mail_zip", "value": ""}, "nothing_proposed", "/proposals/1"),
        ({"path": "mqs_fein", "value": "12-3456789"}, "secret_not_proposable", "/proposals/1"),
        ({"path": "mqs_gl_limit", "value": "l300"}, "duplicate_path", "/proposals/1"),
        ({"path": "mqs_mail_zip", "value": "78702", "locator": "ssn 123-45-6789"}, None, "/proposals/1/locator"),
    ],
)
def test_one_wrong_value_and_none_is_proposed(
    api: Api, url: str, value: dict[str, Any], code: str | None, pointer: str
) -> None:
    problem = assert_problem(
        propose(api, url, {"path": "mqs_gl_limit", "value": "l300"}, value), 422, "invalid_answers"
    )

    (fault,) = problem["errors"]
    assert (fault["path"], fault["pointer"]) == (value["path"], pointer)
    assert code in (fault["code"], None)
    assert picks(api, url) == {"proposals": []}


def test_personal_proposals_are_masked_and_not_confirmed_unseen(api: Api, url: str, harbor_client: ApiClient) -> None:
    propose(api, url, {"path": "mqs_email", "value": "ona@copperkettle.example"})
    limited = Api(harbor_client, [right for right in Right if right is not Right.READ_PERSONAL])

    (shown,) = limited.get(f"{url}/proposals").json()["proposals"]
    assert shown["proposed"]["value"] == "••••"
    assert b"copperkettle.example" not in limited.get(url).content
    assert_problem(limited.post(f"{url}/proposals/accept", picks(api, url)), 409, "proposal_changed")
    assert api.post(f"{url}/proposals/accept", picks(api, url)).status_code == 200


def test_the_present_answer_is_not_proposed_again(api: Api, url: str, copy: dict[str, Any]) -> None:
    again = propose(api, url, {"path": "mqs_annual_revenue", "value": "1250000"})

    assert (again.status_code, again.json()["version"]) == (200, copy["version"])
    assert picks(api, url) == {"proposals": []}
