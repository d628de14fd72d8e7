"""``POST /application_forms`` with a list: each entry is created or refused by itself."""

from __future__ import annotations

import pytest

from copies.models import Copy
from partner_engine.api.http.many import MOST_BODIES
from tenants.current_tenant import use_tenant
from tenants.limits import check
from tenants.limits.check import Subject
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.limits import limit

pytestmark = pytest.mark.django_db
GOOD = {"title": "Good", "answers": {"mqs_mail_zip": "78701"}}
BAD = {"titel": "Bad", "answers": {"mqs_mail_zip": "x"}}


def test_entries_are_independent(api: Api, harbor: Tenant) -> None:
    response = api.post("/application_forms", [GOOD, BAD, 7, GOOD])

    assert response.status_code == 207, response.content
    told = response.json()
    assert [(entry["index"], entry["status"]) for entry in told["results"]] == [(0, 201), (1, 422), (2, 422), (3, 201)]
    assert (told["created"], told["refused"]) == (2, 2)
    assert told["results"][0]["body"]["title"] == "Good"
    assert {fault["pointer"] for fault in told["results"][1]["body"]["errors"]} == {"/titel", "/answers/mqs_mail_zip"}
    with use_tenant(harbor):
        created = {str(pk) for pk in Copy.objects.values_list("pk", flat=True)}
    assert created == {told["results"][index]["body"]["id"] for index in (0, 3)}


def test_with_a_key_the_same_list_creates_nothing_twice(api: Api, harbor: Tenant) -> None:
    first = api.post("/application_forms", [GOOD, BAD, GOOD], Idempotency_Key="list").json()

    again = api.post("/application_forms", [GOOD, BAD, GOOD], Idempotency_Key="list").json()
    other = api.post("/application_forms", [GOOD, GOOD, GOOD], Idempotency_Key="list").json()

    assert [entry["body"] for entry in again["results"][::2]] == [entry["body"] for entry in first["results"][::2]]
    assert [entry["replayed"] for entry in again["results"]] == [True, False, True]
    assert [entry["status"] for entry in other["results"]] == [422, 201, 422]
    assert other["results"][0]["body"]["type"].endswith("idempotency_key_reused")


def test_a_list_has_one_to_fifty_entries(api: Api, harbor: Tenant) -> None:
    empty = assert_problem(api.post("/application_forms", []), 422, "invalid_body")
    long = assert_problem(api.post("/application_forms", [GOOD] * (MOST_BODIES + 1)), 422, "invalid_body")

    assert [fault["code"] for fault in (*empty["errors"], *long["errors"])] == ["empty_body", "too_many_entries"]
    assert "/api/v1/batch_operations" in long["detail"]
    with use_tenant(harbor):
        assert not Copy.objects.exists()


def caller() -> Subject:
    client = ApiClient.objects.get()
    return check.caller_subject(client.as_actor(scopes=[]), client.tenant)


def test_at_the_limit_the_other_entries_are_refused_and_their_number_is_unchanged(
    api: Api, harbor: Tenant, limits_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, form_creation=2, general=40)

    told = api.post("/application_forms", [GOOD, GOOD, *[GOOD] * 6]).json()
    again = api.post("/application_forms", [GOOD])

    assert [entry["status"] for entry in told["results"]] == [201, 201, *[429] * 6]
    assert again.status_code == 429
    with use_tenant(harbor):
        assert Copy.objects.count() == 2


def test_a_refused_entry_gives_back_its_own_count_alone(
    api: Api, limits_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, form_creation=3, general=40)

    told = api.post("/application_forms", [BAD, GOOD, BAD, GOOD, GOOD, GOOD, BAD]).json()

    assert [entry["status"] for entry in told["results"]] == [422, 201, 422, 201, 201, 429, 429]


def test_a_list_counts_as_its_entries_in_the_general_limit_whatever_becomes_of_them(
    api: Api, harbor: Tenant, limits_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, form_creation=40, general=10)

    first = api.post("/application_forms", [BAD] * 6)
    second = api.post("/application_forms", [GOOD] * 6)
    assert_problem(second, 429, "rate_limited")

    assert (first.status_code, first["X-RateLimit-Remaining"]) == (207, "4")
    assert check.take("general", caller()).remaining == 2  # type: ignore[union-attr]
    assert check.take("form_creation", caller()).remaining == 39  # type: ignore[union-attr]
    with use_tenant(harbor):
        assert not Copy.objects.exists()
