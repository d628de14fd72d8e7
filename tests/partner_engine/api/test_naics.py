"""``GET /naics``: finds by words, ranks by the tenant's own forms in the ZIP's state and by choices at a size."""

from __future__ import annotations

from uuid import UUID

import pytest

from batch import service as batch
from search.indexer import index_copies
from search.industry_patterns import store
from tenants.access import Right, system_actor
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db

LOCAL, LONG = "484110", "484121"


def codes(api: Api, query: str) -> list[str]:
    response = api.get(f"/naics?{query}")
    assert response.status_code == 200, response.content
    return [found["code"] for found in response.json()["results"]]


def start(api: Api, tenant: Tenant, naics: str, state: str) -> UUID:
    answers = {"mqs_business_name": "Some Haulage", "mqs_naics": naics, "mqs_mail_state": state}
    response = api.post("/application_forms", {"answers": answers})
    assert response.status_code == 201, response.content
    copy_id = UUID(response.json()["id"])
    assert index_copies([copy_id], tenant=tenant) == 1
    return copy_id


def test_words_and_codes_find(api: Api) -> None:
    assert codes(api, "q=plumber")[0] == "238220"
    assert codes(api, "q=238220") == ["238220"]
    assert codes(api, "q=zzzz") == []
    assert len(codes(api, "q=23")) == 12


def test_industries_of_the_tenant_in_the_state_of_the_zip_come_first(api: Api, foreigner: Api, harbor: Tenant) -> None:
    start(api, harbor, LONG, "OH")
    ohio, texas = "43215", "75201"

    assert codes(api, f"q=general+freight+trucking&zip={texas}")[0] == LOCAL
    assert codes(api, f"q=general+freight+trucking&zip={ohio}")[0] == LONG
    assert codes(foreigner, f"q=general+freight+trucking&zip={ohio}")[0] == LOCAL


def test_choices_at_about_that_size_come_first(api: Api, harbor: Tenant) -> None:
    form_id = start(api, harbor, LOCAL, "OH")
    with batch.find_and_lock(form_id, scope=harbor, actor=system_actor("test")) as context:
        context.changeset.naics_searches.add("freight", employees=60, chosen=LONG)
        context.save()

    assert codes(api, "q=general+freight+trucking&employees=99")[0] == LONG
    assert codes(api, "q=general+freight+trucking&employees=49")[0] == LOCAL
    assert codes(api, "q=general+freight+trucking&employees=100")[0] == LOCAL


def test_businesses_of_the_zip_decide_between_equal_matches(api: Api, harbor: Tenant) -> None:
    store({"43215": {0: {LONG: 40, LOCAL: 3}}, "75201": {0: {LOCAL: 9}, 50: {LONG: 1}}}, name="patterns")
    freight = "q=general+freight+trucking"

    assert codes(api, f"{freight}&zip=43215")[0] == LONG
    assert codes(api, f"{freight}&zip=75201")[0] == LOCAL
    assert codes(api, f"{freight}&zip=75201&employees=60")[0] == LONG
    start(api, harbor, LOCAL, "OH")
    assert codes(api, f"{freight}&zip=43215")[0] == LOCAL


def test_the_order_reveals_no_forms_without_the_right(api: Api, harbor: Tenant, harbor_client: ApiClient) -> None:
    start(api, harbor, LONG, "OH")

    assert codes(Api(harbor_client, [Right.READ_CATALOGUE]), "q=general+freight+trucking&zip=43215")[0] == LOCAL


@pytest.mark.parametrize("query", ["", "q=", "q=a&zip=123", "q=a&zip=abcde", "q=a&employees=-1", "q=a&employees=x"])
def test_an_unreadable_query_is_refused(api: Api, query: str) -> None:
    assert_problem(api.get(f"/naics?{query}"), 400, "invalid_query")
