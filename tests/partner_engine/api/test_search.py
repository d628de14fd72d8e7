"""``GET /search``: finds, filters, pages, rights."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from operations.kinds.registry import KINDS
from operations.submission.errors import InvalidOrder
from operations.submission.item_query import find_items
from operations.submission.order import ItemQuery
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.kennel_catalogue import ANSWERS, KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity

pytestmark = pytest.mark.django_db


def start(api: Api, name: str, **answers: object) -> str:
    response = api.post("/application_forms", {"answers": {"mqs_business_name": name, **answers}})
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def names(api: Api, query: str) -> list[str | None]:
    response = api.get(f"/search?{query}")
    assert response.status_code == 200, response.content
    return [hit["form"]["copy"]["insured"] for hit in response.json()["results"]]


def test_a_misspelled_name_finds_the_form_just_saved(api: Api, s1: Sample) -> None:
    form = api.start(s1)
    start(api, "Second Bakery")

    found = api.get("/search?q=Coper+Kettel").json()

    [hit] = found["results"]
    assert found["next"] is None
    assert (hit["form"]["id"], hit["form"]["copy"]["id"]) == (form["application_form_id"], form["id"])
    assert hit["form"]["copy"]["insured"].startswith("Copper Kettle")
    assert hit["score"] > 0


def test_the_best_come_first_over_all_pages(api: Api) -> None:
    for name in ("Coppersmith", "Copper Kettle", "Copper", "Silver"):
        start(api, name)

    assert names(api, "q=copper") == ["Copper", "Copper Kettle", "Coppersmith"]
    first = api.get("/search?q=copper&limit=2").json()
    rest = api.get(first["next"].removeprefix("/api/v1")).json()
    assert [len(first["results"]), len(rest["results"]), rest["next"]] == [2, 1, None]
    assert rest["results"][0]["form"]["copy"]["insured"] == "Coppersmith"


def test_every_copy_is_found_by_its_id_and_each_once(api: Api) -> None:
    form_id = start(api, "Copper Kettle")
    copy = api.post(f"/application_forms/{form_id}/copies", {"title": "What if"}).json()

    found = [hit["form"]["copy"]["id"] for hit in api.get(f"/search?q={form_id}").json()["results"]]

    assert sorted(found) == sorted({form_id, copy["id"]})
    assert [hit["form"]["copy"]["id"] for hit in api.get("/search?q=what+if").json()["results"]] == [copy["id"]]


def test_hidden_lines_filter_neither_list_nor_search_nor_operations(api: Api, owner: User, harbor: Tenant) -> None:
    publish_release(KENNELS)
    assert api.post("/application_forms", {"catalogue": "kennels", "answers": ANSWERS}).status_code == 201
    assert api.get("/application_forms?line=care").json()["results"]

    publish_release(with_sensitivity(KENNELS, lines="spi"))

    for address in ("/application_forms?line=care", "/search?q=paw&line=care"):
        problem = assert_problem(api.get(address), 400, "invalid_query")
        assert "may not see the lines" in str(problem)
    with use_tenant(harbor), pytest.raises(InvalidOrder, match="may not see the lines"):
        find_items(KINDS["set_answers"], ItemQuery(line="care"), actor=owner.as_actor(source="api"))


def test_filters_narrow_the_matches(api: Api) -> None:
    locked, bop = start(api, "Copper One"), start(api, "Copper Two", mqs_lobs=["bop"])
    gone = start(api, "Copper Three")
    assert api.post(f"/copies/{locked}/lock", {}).status_code == 200
    second = api.post(f"/application_forms/{gone}/copies", {"title": "Second"}).json()["id"]
    assert api.delete(f"/copies/{second}").status_code in (200, 204)

    assert names(api, "q=copper&state=locked") == ["Copper One"]
    assert names(api, "q=copper&line=bop") == ["Copper Two"]
    assert names(api, "q=copper&state=deleted") == ["Copper Three"]
    assert set(names(api, "q=copper")) == {"Copper One", "Copper Two", "Copper Three"}
    assert names(api, f"q=copper&owner={NOBODY}") == []
    assert names(api, "q=copper&updated_since=2099-01-01T00:00:00Z") == []
    assert bop


def test_personal_answers_are_found_only_with_the_right(api: Api, harbor_client: ApiClient, s1: Sample) -> None:
    api.start(s1)
    without = Api(harbor_client, [Right.READ_FORMS])
    mail = str(s1.answers["mqs_email"])

    assert len(names(api, f"q={mail}")) == 1
    assert names(without, f"q={mail}") == []


def test_another_tenants_forms_are_not_found(api: Api, foreigner: Api, s1: Sample) -> None:
    form = api.start(s1)

    for query in ("copper", "coper", form["id"], form["id"][:8]):
        assert names(foreigner, f"q={query}") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "invalid_query"),
        ("q=", "invalid_query"),
        ("q=a&state=lost", "invalid_query"),
        ("q=a&owner=nobody", "invalid_query"),
        ("q=a&sort=x", "invalid_query"),
        ("q=a&cursor=%21", "invalid_cursor"),
        ("q=a&cursor=WzEsMl0", "invalid_cursor"),
    ],
)
def test_an_unreadable_query_is_refused(api: Api, query: str, code: str) -> None:
    assert_problem(api.get(f"/search?{query}"), 400, code)
