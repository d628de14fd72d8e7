"""``POST /what_if``: answers supposed over the caller's open copies."""

from __future__ import annotations

import pytest

from decisions import what_if
from tenants.access import Right
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.kennel_book import make_book, stored_outcomes
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release

pytestmark = pytest.mark.django_db


def tenant_with_book(code: str, copies: int, *, seed: int) -> tuple[Tenant, Api]:
    tenant = Tenant.objects.create(code=code, name=code, catalogue="kennels")
    make_book(tenant, copies, seed=seed)
    client = ApiClient.objects.create(client_id=code, client_secret="s", name=code, tenant=tenant)
    return tenant, Api(client, [Right.READ_FORMS])


@pytest.fixture
def release(db: None) -> None:
    publish_release(KENNELS)


@pytest.mark.usefixtures("release")
def test_the_caller_gets_the_report_on_their_own_copies_and_nothing_is_saved() -> None:
    tenant, api = tenant_with_book("mine", 12, seed=3)
    tenant_with_book("theirs", 5, seed=4)
    before = stored_outcomes(tenant)

    response = api.post("/what_if", {"answers": {"cat_count": 120}})

    assert response.status_code == 200, response.content
    report = response.json()
    assert report["copies"] == 12
    assert report["changed"] > 0
    assert report["currency"] == "USD"
    assert {flip["after"] for flip in report["flips"]} <= {"decline", "eligible", "refer", "need_info", "locked"}
    assert stored_outcomes(tenant) == before


@pytest.mark.usefixtures("release")
def test_query_narrows_the_copies() -> None:
    _, api = tenant_with_book("mine", 6, seed=3)

    report = api.post("/what_if", {"answers": {"cat_count": 120}, "query": "Kennel 4"}).json()

    assert report["copies"] == 1


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize(
    ("answers", "pointer", "code"),
    [
        ({}, "/answers", "required"),
        ({"owner_ssn": "123-45-6789"}, "/answers/owner_ssn", "sensitive_question"),
        ({"owner_phone": "2025550123"}, "/answers/owner_phone", "sensitive_question"),
        ({"no/such": 1}, "/answers/no~1such", "unknown_question"),
    ],
)
def test_answers_that_cannot_be_supposed_are_refused_at_their_place(
    answers: dict[str, object], pointer: str, code: str
) -> None:
    _, api = tenant_with_book("mine", 1, seed=3)

    response = api.post("/what_if", {"answers": answers})

    assert_problem(response, 422, "answers_not_supposed")
    assert [(fault.get("pointer"), fault["code"]) for fault in response.json()["errors"]] == [(pointer, code)]


@pytest.mark.usefixtures("release")
def test_a_large_book_is_refused_with_the_name_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    _, api = tenant_with_book("mine", 3, seed=3)
    monkeypatch.setattr(what_if.report_at_once, "__kwdefaults__", {"narrow": None, "most": 2})

    response = api.post("/what_if", {"answers": {"cat_count": 120}})

    assert_problem(response, 409, "book_too_large")
    assert "manage.py what_if" in response.json()["detail"]


@pytest.mark.usefixtures("release")
def test_an_unknown_catalogue_and_a_missing_right_are_refused() -> None:
    tenant, api = tenant_with_book("mine", 1, seed=3)
    client = ApiClient.objects.get(tenant=tenant)

    assert_problem(api.post("/what_if", {"answers": {"x": 1}, "catalogue": "none"}), 422, "unknown_catalogue")
    assert api.post("/what_if", {"answers": {"x": 1}, "rates": {}}).status_code == 422
    assert Api(client, [Right.READ_CATALOGUE]).post("/what_if", {"answers": {"cat_count": 1}}).status_code == 403
