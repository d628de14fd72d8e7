"""The industry search of the form page: ranked by the form's place and size, and by earlier choices."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from batch import service as batch
from forms.models import NaicsSearch
from search.indexer import index_copies
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.page_client import Page, triggered_events

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo")]

LOCAL, LONG = "484110", "484121"
WORDS = "general freight trucking"


@pytest.fixture
def agent(owner: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the owner's browser."""
    return sign_in(owner)


def start(tenant: Tenant, owner: User, answers: dict[str, object], zips: tuple[str, ...] = ()) -> UUID:
    """Make a form with these answers, and locations with these ZIPs; index it."""
    pools = {"locations": [{"answers": {"mqs_loc_zip": zip_code}} for zip_code in zips]}
    with batch.build_context(scope=tenant, actor=owner.as_actor(source="web")) as context:
        context.changeset.apply_answers({"mqs_lobs": ["bop"], **answers}, pools if zips else {})
        context.save()
        copy_id = context.copy.id
    index_copies([copy_id], tenant=tenant)
    return copy_id


def found(agent: Client, copy_id: UUID, words: str = WORDS) -> list[str]:
    response = agent.get(f"/forms/{copy_id}/industries", {"q": words, "for": "x"}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return re.findall(r'data-value="(\d+)"', response.content.decode())


def searches(tenant: Tenant) -> list[dict[str, object]]:
    with use_tenant(tenant):
        return list(NaicsSearch.objects.values("query", "zip_code", "employees", "chosen", "searched_by_id"))


@pytest.mark.parametrize(
    ("answers", "zips", "first"),
    [
        ({}, (), LOCAL),
        ({"mqs_mail_zip": "43215"}, (), LONG),
        ({"mqs_mail_zip": "75201"}, ("43215",), LOCAL),
        ({}, ("43215", "75201"), LONG),
    ],
)
def test_the_first_zip_of_the_form_ranks(
    agent: Client, harbor: Tenant, owner: User, answers: dict[str, object], zips: tuple[str, ...], first: str
) -> None:
    start(harbor, owner, {"mqs_naics": LONG, "mqs_mail_state": "OH"})

    assert found(agent, start(harbor, owner, answers, zips))[0] == first


def test_agents_choices_rank_later_searches_at_that_size(agent: Client, harbor: Tenant, owner: User) -> None:
    page = Page(agent, str(start(harbor, owner, {"mqs_full_time_emp": 50, "mqs_part_time_emp": 10})))

    given = {"mqs_naics": f"{LONG} General Freight Trucking", "mqs_mail_city": "Lima"}
    searched = {"mqs_naics": "  freight\0 long  ", "mqs_mail_city": "not an industry"}
    response = page.answer(given, searched=searched)

    assert triggered_events(response)["answers-taken"]["taken"] == ["mqs_naics", "mqs_mail_city"]
    row = {"query": "freight long", "zip_code": "", "employees": 60, "chosen": LONG, "searched_by_id": str(owner.pk)}
    assert searches(harbor) == [row]
    assert found(agent, start(harbor, owner, {"mqs_full_time_emp": 70}))[0] == LONG
    assert found(agent, start(harbor, owner, {"mqs_full_time_emp": 7}))[0] == LOCAL
    # Repeating a choice does not count.
    assert page.answer({"mqs_naics": LONG}, searched={"mqs_naics": "freight"}).status_code == 200
    assert searches(harbor) == [row]


@pytest.mark.parametrize("value", ["nonsense", "", "999999"])
def test_a_refused_answer_is_not_a_choice(agent: Client, harbor: Tenant, owner: User, value: str) -> None:
    page = Page(agent, str(start(harbor, owner, {})))

    assert page.answer({"mqs_naics": value}, searched={"mqs_naics": "freight"}).status_code == 200
    assert searches(harbor) == []


@pytest.mark.parametrize("searched", ["[]", "{", '{"mqs_naics": 7}', '{"mqs_naics": "\\ud800"}'])
def test_unreadable_words_change_nothing(agent: Client, harbor: Tenant, owner: User, searched: str) -> None:
    copy_id = start(harbor, owner, {})
    fields = {"answers": json.dumps({"mqs_naics": LONG}), "searched": searched}

    assert agent.post(f"/forms/{copy_id}/answers", fields).status_code == 400
    assert batch.find(copy_id, scope=harbor, actor=owner.as_actor(source="web")).version == 1
