"""``/copies/{id}``: read now and then, rename, delete, restore, lock."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db


def test_a_copy_is_read_with_its_version_as_tag(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.get(f"/copies/{copy['id']}")

    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response["ETag"].startswith(f'"1-{copy["release"]}-{copy["as_of"].replace("-", "")}-')
    assert response.json() == copy
    fresh = api.get(f"/copies/{copy['id']}", If_None_Match=response["ETag"])
    assert (fresh.status_code, fresh.content) == (304, b"")
    assert api.get(f"/copies/{copy['id']}", If_None_Match='"0"').status_code == 200


def test_an_earlier_version_is_read(api: Api, s1: Sample) -> None:
    first = api.start(s1)
    api.patch(f"/copies/{first['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})
    second = api.get(f"/copies/{first['id']}").json()

    by_version = api.get(f"/copies/{first['id']}?at_version=1")
    by_moment = api.get(f"/copies/{first['id']}?at={first['updated_at'].replace('Z', '%2B00:00')}")

    assert by_version["ETag"].startswith('"1-')
    assert by_version.json()["answers"] == first["answers"]
    assert by_version.json()["eligibility"] == first["eligibility"]
    assert by_version.json()["version"] == 1
    assert by_moment.json() == by_version.json()
    assert api.get(f"/copies/{first['id']}?at_version=2").json()["answers"] == second["answers"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("at_version=9", 404, "no_such_version"),
        ("at=1999-01-01T00:00:00Z", 404, "no_such_version"),
        ("at_version=0", 400, "invalid_query"),
        ("at_version=one", 400, "invalid_query"),
        ("at=2026-01-01T00:00:00", 400, "invalid_query"),
        ("at=2026-01-01T00:00:00Z&at_version=1", 400, "invalid_query"),
        ("version=1", 400, "invalid_query"),
    ],
)
def test_a_time_before_the_copy(api: Api, s1: Sample, query: str, status: int, code: str) -> None:
    copy = api.start(s1)

    assert_problem(api.get(f"/copies/{copy['id']}?{query}"), status, code)


def test_a_copy_is_renamed(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    response = api.patch(f"/copies/{copy['id']}", {"title": "Bistro, base"}, If_Match='"1"')

    renamed = response.json()
    assert (response.status_code, response["ETag"], renamed["title"]) == (200, '"2"', "Bistro, base")
    assert renamed == api.get(f"/copies/{copy['id']}").json()
    assert renamed["answers"] == copy["answers"]


@pytest.mark.parametrize("body", [{}, {"title": 7}, {"title": "x" * 201}, {"title": "x", "version": 9}, []])
def test_invalid_titles(api: Api, s1: Sample, body: object) -> None:
    copy = api.start(s1)

    assert_problem(api.patch(f"/copies/{copy['id']}", body), 422, "invalid_body")
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_a_copy_is_deleted_and_restored(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    copy = api.post(f"/application_forms/{base['id']}/copies", {"title": "Second"}).json()

    deleted = api.delete(f"/copies/{copy['id']}")

    assert (deleted.status_code, deleted.content, deleted["ETag"]) == (204, b"", '"2"')
    assert_problem(api.get(f"/copies/{copy['id']}"), 404, "not_found")
    again = api.delete(f"/copies/{copy['id']}")
    assert (again.status_code, again["ETag"]) == (204, '"2"')
    titles = [found["title"] for found in api.get(f"/application_forms/{base['id']}").json()["copies"]]
    assert titles == [base["title"]]
    restored = api.post(f"/copies/{copy['id']}/restore")
    assert (restored.status_code, restored["ETag"]) == (200, '"3"')
    assert restored.json()["answers"] == copy["answers"]
    assert restored.json()["deleted_at"] is None


def test_the_last_copy_stays(api: Api, s1: Sample) -> None:
    base = api.start(s1)

    assert_problem(api.delete(f"/copies/{base['id']}"), 409, "last_copy")
    assert api.get(f"/copies/{base['id']}").json() == base


def test_a_copy_is_locked_and_unlocked(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    locked = api.post(f"/copies/{copy['id']}/lock", {})

    assert locked.json()["state"] == "locked"
    assert_problem(api.patch(f"/copies/{copy['id']}", {"title": "x"}), 423, "copy_locked")
    unlocked = api.post(f"/copies/{copy['id']}/unlock", If_Match=locked["ETag"])
    assert (unlocked.json()["state"], unlocked.json()["version"]) == (copy["state"], 3)
    again = api.post(f"/copies/{copy['id']}/unlock")
    assert (again.status_code, again["ETag"]) == (200, '"3"')


@pytest.mark.parametrize("action", ["restore", "lock", "unlock"])
def test_actions_take_no_fields_and_respect_if_match(api: Api, s1: Sample, action: str) -> None:
    copy = api.start(s1)

    assert_problem(api.post(f"/copies/{copy['id']}/{action}", {"force": True}), 422, "invalid_body")
    assert_problem(api.post(f"/copies/{copy['id']}/{action}", If_Match='"5"'), 412, "version_mismatch")
    assert_problem(api.post(f"/copies/{NOBODY}/{action}"), 404, "not_found")
    assert api.get(f"/copies/{copy['id']}").json() == copy
