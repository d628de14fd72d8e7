"""``/copies/{id}/question_sets``: added by hand and kept, removed unless the rules require it."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.outbox_events import published_events

pytestmark = pytest.mark.django_db
#: A set that the restaurant does not need, and one that it needs.
UNASKED, ASKED = "qs_auto", "qs_bop"


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    return api.start(s1)


@pytest.fixture
def url(copy: dict[str, Any]) -> str:
    return f"/copies/{copy['id']}/question_sets"


def sets_on(api: Api, copy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {found["code"]: found for found in api.get(f"/copies/{copy['id']}").json()["question_sets"]}


def test_the_rules_require_one_set_and_not_the_other(api: Api, copy: dict[str, Any]) -> None:
    codes = set(sets_on(api, copy))

    assert ASKED in codes
    assert UNASKED not in codes


def test_a_set_that_the_rules_do_not_require_is_added_and_stays(
    api: Api, url: str, copy: dict[str, Any], harbor_client: ApiClient
) -> None:
    response = api.post(url, {"code": UNASKED})

    put = response.json()
    assert (response.status_code, response["ETag"]) == (201, '"2"')
    assert put == {
        "code": UNASKED,
        "added_by": {"type": "api_client", "id": str(harbor_client.pk), "source": "api"},
        "completed_at": put["completed_at"],
        "remove_if_ineligible": False,
    }
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})
    assert sets_on(api, copy) == {**{found["code"]: found for found in copy["question_sets"]}, UNASKED: put}


def test_an_added_set_shows_no_question_by_itself(api: Api, url: str, copy: dict[str, Any], harbor: Tenant) -> None:
    api.post(url, {"code": UNASKED})

    now = api.get(f"/copies/{copy['id']}").json()
    assert (now["answers"], now["needed"], now["eligibility"]) == (copy["answers"], copy["needed"], copy["eligibility"])
    # It shows no question, so nothing is missing.
    assert published_events(harbor, "question_set")[-1] == ("question_set.completed", 2, {"question_set": UNASKED})


def test_an_existing_set_is_kept_from_now_on(api: Api, url: str, copy: dict[str, Any]) -> None:
    before = sets_on(api, copy)[ASKED]

    response = api.post(url, {"code": ASKED})

    assert (response.status_code, response["ETag"]) == (200, '"2"')
    assert response.json() == {**before, "remove_if_ineligible": False}
    again = api.post(url, {"code": ASKED})
    assert (again.status_code, again["ETag"], again.json()) == (200, '"2"', response.json())
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_lobs": ["wc"]}})
    assert ASKED in sets_on(api, copy)


def test_an_added_set_is_removed(api: Api, url: str, copy: dict[str, Any]) -> None:
    api.post(url, {"code": UNASKED})

    response = api.delete(f"{url}/{UNASKED}", If_Match='"2"')

    assert (response.status_code, response.content, response["ETag"]) == (204, b"", '"3"')
    assert api.get(f"/copies/{copy['id']}").json()["question_sets"] == copy["question_sets"]
    assert_problem(api.delete(f"{url}/{UNASKED}"), 404, "not_found")


def test_answers_stay_when_a_set_is_removed(api: Api, url: str, copy: dict[str, Any]) -> None:
    api.post(url, {"code": ASKED})
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_lobs": ["wc"]}})
    hidden = api.get(f"/copies/{copy['id']}").json()["answers"]

    assert api.delete(f"{url}/{ASKED}").status_code == 204

    now = api.get(f"/copies/{copy['id']}").json()
    assert ASKED not in {found["code"] for found in now["question_sets"]}
    assert now["answers"] == hidden
    kept = {code: found for code, found in hidden.items() if code.startswith("mqs_bop_")}
    assert kept
    assert {found["active"] for found in kept.values()} == {False}


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_required_set_stays(api: Api, url: str, copy: dict[str, Any], harbor: Tenant, is_kept: bool) -> None:
    if is_kept:
        api.post(url, {"code": ASKED})
    before, told = api.get(f"/copies/{copy['id']}").json(), published_events(harbor, "question_set")

    problem = assert_problem(api.delete(f"{url}/{ASKED}"), 409, "question_set_asked_for")

    assert f"set:{ASKED}" in problem["detail"]
    assert api.get(f"/copies/{copy['id']}/explain?target=set:{ASKED}").status_code == 200
    assert api.get(f"/copies/{copy['id']}").json() == before
    assert published_events(harbor, "question_set") == told


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_body", "/code"),
        ({"code": 7}, "invalid_body", "/code"),
        ({"code": "x" * 65}, "invalid_body", "/code"),
        ({"code": UNASKED, "added_by": "me"}, "invalid_body", "/added_by"),
        ({"code": "qs_nothing"}, "unknown_question_set", "/code"),
        ({"code": ""}, "unknown_question_set", "/code"),
    ],
)
def test_invalid_additions(
    api: Api, url: str, copy: dict[str, Any], body: dict[str, Any], code: str, pointer: str
) -> None:
    problem = assert_problem(api.post(url, body), 422, code)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert api.get(f"/copies/{copy['id']}").json() == copy


@pytest.mark.parametrize("code", ["qs_nothing", UNASKED, "a.b"])
def test_a_missing_set_cannot_be_removed(api: Api, url: str, copy: dict[str, Any], code: str) -> None:
    assert_problem(api.delete(f"{url}/{code}"), 404, "not_found")
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_another_tenant_neither_adds_nor_removes(api: Api, foreigner: Api, url: str, copy: dict[str, Any]) -> None:
    api.post(url, {"code": UNASKED})
    before = api.get(f"/copies/{copy['id']}").json()

    assert_problem(foreigner.post(url, {"code": "qs_cyber"}), 404, "not_found")
    assert_problem(foreigner.delete(f"{url}/{UNASKED}"), 404, "not_found")
    assert api.get(f"/copies/{copy['id']}").json() == before


def test_guards_of_a_write(api: Api, url: str, copy: dict[str, Any]) -> None:
    first = api.post(url, {"code": UNASKED}, Idempotency_Key="k")
    again = api.post(url, {"code": UNASKED}, Idempotency_Key="k")

    # The first response again: a new request would get 200.
    assert (again.status_code, again.content) == (201, first.content)
    assert_problem(api.delete(f"{url}/{UNASKED}", If_Match='"1"'), 412, "version_mismatch")
    api.post(f"/copies/{copy['id']}/lock")
    assert_problem(api.delete(f"{url}/{UNASKED}"), 423, "copy_locked")
    assert_problem(api.post(url, {"code": "qs_cyber"}), 423, "copy_locked")
    assert UNASKED in sets_on(api, copy)
    assert api.get(f"/copies/{copy['id']}").json()["version"] == 3
