"""``/copies/{id}``: read now and then, rename, give away, delete, restore, lock, make it the base."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from tenants.models import User
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.partner_engine.api.test_routes import ROWS

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


def test_a_lock_says_who_when_and_why(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    locked = api.post(f"/copies/{copy['id']}/lock", {"reason": "  Sent to the client "}).json()

    assert (locked["locked_by"], locked["lock_reason"]) == ("Harbor", "Sent to the client")
    problem = assert_problem(api.patch(f"/copies/{copy['id']}", {"title": "x"}), 423, "copy_locked")
    assert problem["lock"] == {"who": "Harbor", "since": locked["locked_at"], "reason": "Sent to the client"}
    assert problem["detail"].startswith("Harbor locked this copy on ")
    assert problem["detail"].endswith(" UTC (Sent to the client). Unlock it first.")
    again = api.post(f"/copies/{copy['id']}/lock", {"reason": "Another one"})
    assert (again.status_code, again["ETag"], again.json()) == (200, '"2"', locked)
    unlocked = api.post(f"/copies/{copy['id']}/unlock").json()
    assert [unlocked[name] for name in ("locked_at", "locked_by", "lock_reason")] == [None, None, None]
    for reason in ("x" * 201, "two\nlines", "SSN 987-65-4321"):
        assert api.post(f"/copies/{copy['id']}/lock", {"reason": reason}).status_code == 422


def test_the_base_moves_and_is_not_deleted(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    copy = api.post(f"/application_forms/{base['id']}/copies", {"title": "Second"}).json()

    def marks() -> list[bool]:
        return [found["is_base"] for found in api.get(f"/application_forms/{base['id']}").json()["copies"]]

    assert (base["is_base"], copy["is_base"], marks()) == (True, False, [True, False])
    assert_problem(api.delete(f"/copies/{base['id']}"), 409, "base_copy")
    before = api.get(f"/copies/{base['id']}")

    moved = api.post(f"/copies/{copy['id']}/make_base")
    again = api.post(f"/copies/{copy['id']}/make_base")

    assert (moved.status_code, moved["ETag"], moved.json()["is_base"]) == (200, '"2"', True)
    assert (again["ETag"], again.json()) == ('"2"', moved.json())
    assert marks() == [False, True]
    after = api.get(f"/copies/{base['id']}", If_None_Match=before["ETag"])
    assert (after.status_code, after.json()["is_base"], after.json()["version"]) == (200, False, 1)
    assert api.delete(f"/copies/{base['id']}").status_code == 204


def test_a_copy_of_an_earlier_version_or_an_empty_one(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    api.patch(f"/copies/{base['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})
    url = f"/application_forms/{base['id']}/copies"

    first, now, empty = (api.post(url, body).json() for body in ({"from_version": 1}, {}, {"empty": True}))

    assert first["answers"]["mqs_gl_limit"]["value"] == s1.answers["mqs_gl_limit"]
    assert now["answers"]["mqs_gl_limit"]["value"] == "l2m"
    assert not [answer for answer in empty["answers"].values() if answer["value"]]
    assert [copy["copied_from"] for copy in (base, first, now, empty)] == [
        None,
        {"id": base["id"], "version": 1},
        {"id": base["id"], "version": 2},
        None,
    ]
    assert_problem(api.post(url, {"from_version": 3}), 404, "no_such_version")
    assert_problem(api.post(url, {"empty": True, "from_version": 1}), 422, "invalid_body")
    assert len(api.get(f"/application_forms/{base['id']}").json()["copies"]) == 4


def test_a_copy_is_given_to_another_owner(api: Api, s1: Sample, owner: User, stranger: User) -> None:
    copy = api.start(s1)

    given = api.patch(f"/copies/{copy['id']}", {"owner_id": str(owner.pk)})

    assert (given.json()["owner_id"], given["ETag"]) == (str(owner.pk), '"2"')
    for other in (str(stranger.pk), NOBODY, "me", ""):
        problem = assert_problem(api.patch(f"/copies/{copy['id']}", {"owner_id": other}), 422, "invalid_body")
        assert problem["errors"][0]["code"] == "unknown_user"
    assert api.patch(f"/copies/{copy['id']}", {"owner_id": None}).json()["owner_id"] is None


OF_A_COPY = [row for row in ROWS if row.address.startswith("copies/<id:id>")]
#: What a deleted copy still answers, and what changes a locked one.
LIVING = {"DELETE copies/<id:id>": 204, "POST copies/<id:id>/restore": 200}
UNLOCKING = {
    "POST copies/<id:id>/unlock",
    "POST copies/<id:id>/lock",
    "POST copies/<id:id>/restore",
    # Exported as it is; the record of its declines is no part of the copy.
    "POST copies/<id:id>/declines/export",
    # At rest already, or not there: nothing would change.
    "POST copies/<id:id>/make_base",
    "DELETE copies/<id:id>/messages/<id:message_id>",
    "DELETE copies/<id:id>/question_sets/<slug:code>",
    "DELETE copies/<id:id>/guest_links/<id:link_id>",
    "POST copies/<id:id>/merge/undo",
    "POST copies/<id:id>/guest_links/<id:link_id>/send_back",
    "POST copies/<id:id>/confirmations",
    "POST copies/<id:id>/proposals/accept",
    "POST copies/<id:id>/proposals/dismiss",
    "POST copies/<id:id>/reveal",
}


def test_a_deleted_copy_is_not_found_on_any_route(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    copy = api.post(f"/application_forms/{base['id']}/copies", {"title": "Second"}).json()
    api.delete(f"/copies/{copy['id']}")

    # Restoring comes last.
    for row in sorted(OF_A_COPY, key=lambda row: "restore" in row.address):
        response = api.send(row.method, f"/{row.path(copy['id'])}", row.body)
        assert response.status_code == LIVING.get(str(row), 404), (str(row), response.content)

    assert api.get(f"/copies/{copy['id']}").json()["version"] == 3


def test_a_locked_copy_refuses_every_write(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    second = api.post(f"/application_forms/{base['id']}/copies", {"title": "Second"}).json()["id"]
    # What a revert would take back, and what a merge would bring.
    api.patch(f"/copies/{base['id']}/answers", {"answers": {"mqs_gl_limit": "l300"}})
    api.patch(f"/copies/{second}/answers", {"answers": {"mqs_business_name": "Second Kettle"}})
    api.post(f"/copies/{base['id']}/lock", {"reason": "Sent"})
    before = api.get(f"/copies/{base['id']}").json()

    for row in OF_A_COPY:
        if not row.writes or str(row) in UNLOCKING:
            continue
        body = row.body.replace(b'{"answers": {}}', b'{"answers": {"mqs_gl_limit": "l2m"}}')
        body = body.replace(NOBODY.encode(), second.encode())
        paths = [f"/{row.path(base['id'])}"]
        if row.address.endswith("/answers"):
            paths += [paths[0] + "?dry_run=true", paths[0].replace("copies/", "application_forms/")]
        for path in paths:
            response = api.send(row.method, path, body)
            assert response.status_code == 423, (path, response.content)

    assert api.get(f"/copies/{base['id']}").json() == before
