"""``POST /copies/{id}/confirmations``: a person confirms an answer in spite of a warning, until it changes."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample
from tenants.models import ApiClient
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    """Return a copy whose mailing ZIP code is in no list."""
    started = api.start(s1)
    changed = api.patch(f"/copies/{started['id']}/answers", {"answers": {"mqs_mail_zip": "78798"}})
    assert changed.status_code == 200
    return api.get(f"/copies/{started['id']}").json()


@pytest.fixture
def url(copy: dict[str, Any]) -> str:
    return f"/copies/{copy['id']}/confirmations"


def warnings_of(shape: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found["path"], found["code"]) for found in shape["messages"] if found["kind"] == "warn"]


WARNING = {"path": "mqs_mail_zip", "code": "zip_unknown"}


def test_a_warning_blocks_nothing_and_is_gone_once_confirmed(
    api: Api, url: str, copy: dict[str, Any], harbor_client: ApiClient
) -> None:
    assert ("mqs_mail_zip", "zip_unknown") in warnings_of(copy)
    assert "mqs_mail_zip" not in copy["needed"]["bind"]

    response = api.post(url, WARNING)

    assert response.status_code == 200
    assert ("mqs_mail_zip", "zip_unknown") not in warnings_of(response.json())
    by = {"type": "api_client", "id": str(harbor_client.pk)}
    assert response.json()["changes"] == [
        {"path": "mqs_mail_zip", "before": "78798", "after": "78798", "cause": by, "confirmed": ["zip_unknown"]}
    ]
    answer = api.get(f"/copies/{copy['id']}").json()["answers"]["mqs_mail_zip"]
    assert [(item["code"], item["by"]) for item in answer["confirmed"]] == [("zip_unknown", {**by, "source": "api"})]
    (version, *_) = api.get(f"/copies/{copy['id']}/history").json()["results"]
    assert version["by"]["id"] == str(harbor_client.pk)
    assert version["changes"] == response.json()["changes"]


def test_it_holds_until_the_value_changes(api: Api, url: str, copy: dict[str, Any]) -> None:
    api.post(url, WARNING)
    answers = f"/copies/{copy['id']}/answers"

    kept = api.patch(answers, {"answers": {"mqs_mail_city": "Elsewhere", "mqs_mail_zip": "78798"}}).json()
    moved = api.patch(answers, {"answers": {"mqs_mail_zip": "78797"}}).json()
    back = api.patch(answers, {"answers": {"mqs_mail_zip": "78798"}}).json()

    assert ("mqs_mail_zip", "zip_unknown") not in warnings_of(kept)
    assert ("mqs_mail_zip", "zip_unknown") in warnings_of(moved)
    assert [change.get("confirmed") for change in moved["changes"]] == [[]]
    assert ("mqs_mail_zip", "zip_unknown") in warnings_of(back)


def test_a_second_confirmation_finds_nothing(api: Api, url: str, copy: dict[str, Any]) -> None:
    api.post(url, WARNING)

    again = api.post(url, WARNING)

    assert_problem(again, 422, "nothing_to_confirm")
    assert api.get(f"/copies/{copy['id']}").json()["version"] == copy["version"] + 1


@pytest.mark.parametrize(
    ("path", "code", "problem"),
    [
        ("mqs_mail_zip", "zip5", "nothing_to_confirm"),
        ("mqs_mail_city", "zip_unknown", "nothing_to_confirm"),
        ("nowhere", "zip_unknown", "unknown_question"),
        ("locations/nowhere/mqs_loc_zip", "zip_unknown", "unknown_row"),
    ],
)
def test_what_is_no_warning_cannot_be_confirmed(
    api: Api, url: str, copy: dict[str, Any], path: str, code: str, problem: str
) -> None:
    response = api.post(url, {"path": path, "code": code})

    assert_problem(response, 422, problem)
    assert api.get(f"/copies/{copy['id']}").json() == copy
