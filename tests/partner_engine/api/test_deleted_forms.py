"""``DELETE /application_forms/{id}`` and its restoring: the same as on the pages, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from batch import service as batch
from catalogue.demo import Sample
from tenants.access import system_actor
from tenants.models import Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.outbox_events import published_events
from tests.partner_engine.api.test_routes import OF_ONE

pytestmark = pytest.mark.django_db

#: The routes of a form, by which a deleted one is seen and comes back.
_OF_FORM = {
    "GET application_forms/<id:id>",
    "DELETE application_forms/<id:id>",
    "POST application_forms/<id:id>/restore",
}


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    """Return the forms of the list."""
    results: list[dict[str, Any]] = api.get(f"/application_forms?{query}").json()["results"]
    return results


def test_a_form_is_deleted_read_and_restored(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)
    path = f"/application_forms/{copy['id']}"
    before = api.get(path).json()

    deleted = api.delete(path, If_Match='"1"')

    assert (deleted.status_code, deleted.content, deleted["ETag"]) == (204, b"", '"2"')
    assert (listed(api), listed(api, "q=kettle"), listed(api, "state=ready&deleted=true")) == ([], [], [])
    shown = api.get(path).json()
    assert (shown["state"], shown["copy"]["state"], shown["copies"][0]["state"]) == ("deleted",) * 3
    assert shown["copy"]["answers"] == before["copy"]["answers"]
    for query in ("deleted=true", "state=deleted", "deleted=true&order=updated", "deleted=true&q=kettle"):
        (found,) = listed(api, query)
        assert (found["id"], found["deleted_at"]) == (copy["id"], shown["deleted_at"])
        assert (found["copy"]["deleted_at"], found["copy"]["state"]) == (None, "deleted")

    restored = api.post(f"{path}/restore", If_Match='"2"')

    assert (restored.status_code, restored["ETag"]) == (200, '"3"')
    after = api.get(path).json()
    assert after["copy"] == restored.json()
    assert (after["deleted_at"], after["state"], after["copy"]["answers"]) == (
        None,
        before["state"],
        before["copy"]["answers"],
    )
    assert [found["id"] for found in listed(api)] == [copy["id"]] and listed(api, "deleted=true") == []
    assert [event for event, _, _ in published_events(harbor, "form")] == [
        "form.created",
        "form.archived",
        "form.restored",
    ]


def test_both_writes_can_be_repeated_and_respect_if_match(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    path = f"/application_forms/{copy['id']}"

    assert_problem(api.delete(path, If_Match='"7"'), 412, "version_mismatch")
    assert_problem(api.send("DELETE", path, b'{"force": true}'), 422, "invalid_body")
    unchanged = api.post(f"{path}/restore")
    assert (unchanged.status_code, unchanged["ETag"], unchanged.json()) == (200, '"1"', copy)
    tags = [api.delete(path, Idempotency_Key="k")["ETag"] for _ in range(2)] + [api.delete(path)["ETag"]]
    assert tags == ['"2"'] * 3
    keyed = [api.post(f"{path}/restore", Idempotency_Key="r") for _ in range(2)]
    assert [response["ETag"] for response in keyed] == ['"3"'] * 2
    assert keyed[1]["Idempotent-Replayed"] == "true"
    assert_problem(api.delete(f"/application_forms/{NOBODY}"), 404, "not_found")


def test_a_copys_id_means_its_form_unless_the_copy_is_deleted(api: Api, s1: Sample) -> None:
    form = api.start(s1)["id"]
    second, third = (api.post(f"/application_forms/{form}/copies", {"title": title}).json()["id"] for title in "ab")
    api.post(f"/copies/{second}/make_base")
    api.delete(f"/copies/{form}")
    api.delete(f"/copies/{third}")

    assert_problem(api.delete(f"/application_forms/{third}"), 404, "not_found")
    assert api.delete(f"/application_forms/{second}").status_code == 204

    assert_problem(api.get(f"/application_forms/{third}"), 404, "not_found")
    assert_problem(api.post(f"/application_forms/{third}/restore"), 404, "not_found")
    # The form's id is that of its default copy too, which stays deleted.
    shown = api.get(f"/application_forms/{form}").json()
    assert (shown["copy"]["id"], [copy["id"] for copy in shown["copies"]]) == (second, [second])
    assert [found["copy"]["id"] for found in listed(api, "deleted=true")] == [second]
    assert api.post(f"/application_forms/{form}/restore").json()["id"] == second
    assert_problem(api.get(f"/copies/{third}"), 404, "not_found")


def test_a_deleted_form_is_not_found_on_any_other_route(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.delete(f"/application_forms/{copy['id']}")

    for row in OF_ONE:
        if row.address.startswith(("copies/", "application_forms/")) and str(row) not in _OF_FORM:
            response = api.send(row.method, f"/{row.path(copy['id'])}", row.body)
            assert response.status_code == 404, (str(row), response.content)

    assert api.get(f"/application_forms/{copy['id']}").json()["copy"]["version"] == 2


def test_a_locked_copy_keeps_its_form(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.post(f"/copies/{copy['id']}/lock", {"reason": "Audit"})

    assert_problem(api.delete(f"/application_forms/{copy['id']}"), 423, "copy_locked")

    assert [found["id"] for found in listed(api)] == [copy["id"]]


def test_a_save_that_requests_nothing_leaves_a_deleted_form_as_it_is(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)
    api.delete(f"/application_forms/{copy['id']}")

    with batch.find_and_lock(copy["id"], scope=harbor, actor=system_actor("test"), archived=True) as context:
        result = context.save()

    assert (result.written, result.version) == (False, 2)
