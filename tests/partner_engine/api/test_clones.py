"""``POST /application_forms/{id}/clone``: clones, renewals, and clones in another tenant."""

from __future__ import annotations

from typing import Any

import pytest

from batch import service as batch
from batch.locks.holds import hold_copy
from catalogue.demo import Sample
from copies.models import Copy
from forms.models import ApplicationForm
from tenants.access import Right, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import NOBODY, V1, Api, assert_problem


@pytest.fixture
def form(api: Api, s1: Sample) -> dict[str, Any]:
    """Return the copy of a new form of the restaurant."""
    return api.start(s1)


@pytest.fixture
def broker(harbor_client: ApiClient) -> Api:
    """Return harbor's API client after staff have allowed it to clone to other tenants."""
    harbor_client.allowed_scopes = [right.value for right in Right]
    harbor_client.save()
    return Api(harbor_client)


def url(form: dict[str, Any]) -> str:
    """Return the address of the form's clones."""
    return f"/application_forms/{form['application_form_id']}/clone"


def test_a_clone_has_every_copy_and_shows_where_each_comes_from(api: Api, form: dict[str, Any]) -> None:
    what_if = api.post(f"/application_forms/{form['id']}/copies", {"title": "What if"}).json()
    api.post(f"/copies/{form['id']}/lock")

    response = api.post(url(form), {})

    clone = response.json()
    assert (response.status_code, response["ETag"]) == (201, '"1"')
    assert response["Location"] == f"{V1}/application_forms/{clone['application_form_id']}"
    assert clone["tenant"] == "harbor"
    assert [copy["cloned_from"] for copy in clone["copies"]] == [form["id"], what_if["id"]]
    copy = api.get(f"/copies/{clone['copies'][0]['id']}").json()
    assert (copy["title"], copy["locked_at"], copy["version"]) == (form["title"], None, 1)
    assert copy["eligibility"]["QM-BOP"]["premium"] == 2451
    old, new = form["answer_pools"]["locations"][0], copy["answer_pools"]["locations"][0]
    assert old["id"] != new["id"]
    assert old["lineage"] == new["lineage"] == old["id"]
    assert {code: answer["value"] for code, answer in copy["answers"].items()} == {
        code: answer["value"] for code, answer in form["answers"].items()
    }
    assert api.get(f"/application_forms/{what_if['id']}").json()["id"] == form["application_form_id"]


def test_compare_finds_no_difference_between_a_form_and_its_clone(api: Api, form: dict[str, Any]) -> None:
    (copy,) = api.post(url(form), {}).json()["copies"]

    same = api.get(f"/copies/{form['id']}/compare?with={copy['id']}")
    assert same.status_code == 200, same.content
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})
    other = api.get(f"/copies/{form['id']}/compare?with={copy['id']}").json()

    assert same.json()["differences"] == []
    assert len(other["differences"]) == 1


def test_a_clone_is_made_once_for_its_key(api: Api, harbor: Tenant, form: dict[str, Any]) -> None:
    first = api.post(url(form), {}, Idempotency_Key="k")
    again = api.post(url(form), {}, Idempotency_Key="k")

    assert again["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    assert_problem(api.post(url(form), {"renewal": True}, Idempotency_Key="k"), 422, "idempotency_key_reused")
    with use_tenant(harbor):
        assert ApplicationForm.objects.count() == 2


def test_what_is_not_there_held_or_changed_is_refused(api: Api, harbor: Tenant, form: dict[str, Any]) -> None:
    assert_problem(api.post(f"/application_forms/{NOBODY}/clone", {}), 404, "not_found")
    assert_problem(api.post(url(form), {}, If_Match='"7"'), 412, "version_mismatch")
    with batch.find_and_lock(form["id"], scope=harbor, actor=system_actor("test")) as context:
        process = context.changeset.processes.start("quoting")
        context.save()
    with hold_copy(process.id, copy_id=context.copy.id, seconds=20, scope=harbor):
        problem = assert_problem(api.post(url(form), {}), 409, "copy_held")

    assert "'quoting'" in problem["detail"]
    with use_tenant(harbor):
        assert ApplicationForm.objects.count() == 1


def test_without_the_right_no_other_tenant_is_known(
    api: Api, foreigner: Api, form: dict[str, Any], harbor_client: ApiClient
) -> None:
    known = assert_problem(api.post(url(form), {"tenant": "summit"}), 404, "unknown_tenant")
    unknown = assert_problem(api.post(url(form), {"tenant": "nowhere"}), 404, "unknown_tenant")

    assert (known["detail"], known["errors"]) == (unknown["detail"], unknown["errors"])
    assert Right.CLONE_TO_TENANTS.value not in harbor_client.allowed_scopes
    assert_problem(foreigner.post(url(form), {}), 404, "not_found")
    reader = Api(harbor_client, [Right.READ_FORMS])
    assert_problem(reader.post(url(form), {}), 403, "missing_right")


def test_a_copy_goes_to_another_tenant(
    broker: Api, foreigner: Api, api: Api, form: dict[str, Any], summit: Tenant
) -> None:
    response = broker.post(url(form), {"tenant": "summit"}, Idempotency_Key="k")
    again = broker.post(url(form), {"tenant": "summit"}, Idempotency_Key="k")

    clone = response.json()
    assert (response.status_code, clone["tenant"], again.json()) == (201, "summit", clone)
    (copy,) = clone["copies"]
    assert set(copy) == {"id", "title", "version", "left_out", "proposed", "moved", "asked_again"}
    assert "Location" not in response
    assert_problem(api.get(f"/copies/{copy['id']}"), 404, "not_found")
    there = foreigner.get(f"/copies/{copy['id']}").json()
    assert there["eligibility"]["QM-BOP"]["premium"] == 2451
    with use_tenant(summit):
        assert Copy.objects.count() == 1
    assert_problem(broker.post(url(form), {"tenant": "summit", "renewal": True}), 422, "invalid_body")


def test_a_caller_who_may_only_write_sees_only_ids(form: dict[str, Any], harbor_client: ApiClient) -> None:
    clone = Api(harbor_client, [Right.WRITE_FORMS]).post(url(form), {}).json()

    (copy,) = clone["copies"]
    assert set(copy) == {"id", "version", "left_out", "proposed", "moved", "asked_again"}
    assert copy["left_out"] == []


def test_a_renewal_shows_last_premiums(api: Api, form: dict[str, Any]) -> None:
    (copy,) = api.post(url(form), {"renewal": True}).json()["copies"]

    renewed = api.get(f"/copies/{copy['id']}").json()
    assert renewed["eligibility"]["QM-BOP"]["last_premium"] == 2451
    assert "last_premium" not in form["eligibility"]["QM-BOP"]
