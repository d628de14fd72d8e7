"""Starting a form: nothing is stored before the first answer, which makes one form with one version."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client

from batch.context import BatchContext
from copies.models import Copy
from tenants.access import Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.page_client import Page, markup, triggered_events

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo")]

KEY = "0123456789abcdef" * 2
NAME, TRADE, ZIP, START, LINES = "mqs_business_name", "mqs_naics", "mqs_mail_zip", "mqs_effective_date", "mqs_lobs"


@pytest.fixture
def agent(owner: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the owner's browser."""
    return sign_in(owner)


def count(tenant: Tenant) -> int:
    with use_tenant(tenant):
        return Copy.objects.count()


def first(agent: Client, given: dict[str, object], *, key: str = KEY) -> HttpResponse:
    """Send the first answers, as the page's scripts do."""
    headers = {"HX-Request": "true", "X-Copy-Version": "0"}
    values = {"answers": json.dumps(given), "searched": "{}"}
    return agent.post(f"/forms/new/answers?key={key}&catalogue=", values, headers=headers)  # type: ignore[return-value]


def made(response: HttpResponse) -> str:
    return str(triggered_events(response)["form-started"]["copyId"])


def test_the_page_asks_the_first_questions_and_stores_nothing(agent: Client, harbor: Tenant) -> None:
    content = markup(agent.get("/forms/new"))

    assert re.findall(r'data-path="(\w+)"', content) == [NAME, TRADE, ZIP, START, LINES]
    assert "10 of 10 products" in content
    assert count(harbor) == 0


def test_the_first_answer_makes_a_form_of_one_version(
    agent: Client, harbor: Tenant, read: Callable[[str], BatchContext]
) -> None:
    response = first(agent, {NAME: "Copper Kettle"})

    context = read(made(response))
    assert (context.version, count(harbor)) == (1, 1)
    assert context.read_only_changeset().document.answers[NAME].value == "Copper Kettle"
    assert triggered_events(response)["answers-taken"]["taken"] == [NAME]
    assert triggered_events(response)["copy-saved"]["version"] == 1


def test_answers_that_are_sent_again_go_to_the_form_that_the_page_made(
    agent: Client, harbor: Tenant, read: Callable[[str], BatchContext]
) -> None:
    copy_id = made(first(agent, {NAME: "Copper Kettle"}))

    again = first(agent, {NAME: "Copper Kettle", TRADE: "722511"})
    other = first(agent, {NAME: "Copper Kettle"}, key="f" * 32)

    assert made(again) == copy_id
    assert read(copy_id).read_only_changeset().document.answers[TRADE].value == "722511"
    assert made(other) != copy_id
    assert count(harbor) == 2


def test_refused_and_empty_answers_make_no_form(agent: Client, harbor: Tenant) -> None:
    refused = first(agent, {ZIP: "nowhere"})
    empty = first(agent, {NAME: ""})

    assert triggered_events(refused)["answers-taken"]["faults"][0]["path"] == ZIP
    assert "form-started" not in triggered_events(refused)
    assert triggered_events(empty)["answers-taken"]["taken"] == [NAME]
    assert count(harbor) == 0
    assert first(agent, {NAME: "X"}, key="short").status_code == 400


def test_later_answers_bring_the_parts_of_the_page(agent: Client) -> None:
    copy_id = made(first(agent, {NAME: "Copper Kettle", LINES: ["bop", "wc"], START: "2026-12-15"}))
    page = Page(agent, copy_id)

    response = page._post("new-form/answers", {"answers": json.dumps({ZIP: "78701", TRADE: "238220"})}, "")

    content = markup(response)
    assert "Austin, Texas" in content
    assert "3 of 5 products" in content
    assert "From 5 answers. No price before its inputs are known." in content
    assert page.version == 2
    parts = agent.get(f"/forms/{copy_id}/new-form/parts", headers={"HX-Request": "true"})
    assert "3 of 5 products" in markup(parts)
    # A session that was renewed needs its token for the next save.
    assert triggered_events(parts)["copy-saved"]["token"]


def test_without_scripts_a_form_is_made_with_all_answers_or_not_at_all(
    agent: Client, harbor: Tenant, read: Callable[[str], BatchContext]
) -> None:
    fields = {NAME: "Copper Kettle", TRADE: "722511", ZIP: "787", LINES: ["bop", "wc"], "key": KEY}

    refused = agent.post("/forms/new", fields)
    empty = agent.post("/forms/new", {"key": KEY})

    assert refused.status_code == 422
    assert 'value="Copper Kettle"' in markup(refused)
    assert "Fix the marked answers." in markup(refused)
    assert empty.status_code == 422
    assert "Answer at least one question." in markup(empty)
    assert count(harbor) == 0

    taken = agent.post("/forms/new", {**fields, ZIP: "78701"})
    again = agent.post("/forms/new", {**fields, ZIP: "78701", "then": ""})
    repeated = agent.post("/forms/new", {**fields, ZIP: "78701"})

    assert taken.status_code == 302
    copy_id = taken.headers["Location"].rsplit("/", 1)[1]
    answers = read(copy_id).read_only_changeset().document.answers
    assert (answers[LINES].value, answers[ZIP].value, read(copy_id).version) == (["bop", "wc"], "78701", 1)
    assert repeated.headers["Location"] == taken.headers["Location"]
    assert again.headers["Location"] != taken.headers["Location"]


def test_a_form_can_be_started_for_its_owner(agent: Client) -> None:
    response = agent.post("/forms/new", {NAME: "Copper Kettle", "key": KEY, "then": "guests"})

    assert response.headers["Location"].endswith("#guests")


def test_the_evaluation_date_needs_its_right(owner: User, member: User, sign_in: Callable[[User], Client]) -> None:
    member.role = Role.TENANT_ADMIN
    member.save()
    agent, admin = sign_in(owner), sign_in(member)
    fields = {NAME: "Copper Kettle", "as_of": "2026-06-01"}

    assert agent.post("/forms/new", fields).status_code == 403
    taken = admin.post("/forms/new", fields)
    assert "As of June 1, 2026" in admin.get(taken.headers["Location"]).content.decode()
    assert 'name="as_of"' in admin.get("/forms/new").content.decode()
    assert 'name="as_of"' not in agent.get("/forms/new").content.decode()
    assert admin.post("/forms/new", {NAME: "A", "as_of": "2026-02-31"}).status_code == 302


def test_hits_of_the_trade_show_how_many_products_they_open(agent: Client, owner: User) -> None:
    hits = markup(agent.get("/forms/new/industries", {"q": "full service restaurant", "for": TRADE}))
    copy_id = made(first(agent, {LINES: ["bop", "wc"]}))
    narrowed = markup(agent.get(f"/forms/{copy_id}/industries", {"q": "238220", "for": TRADE}))

    assert "7 of 10 products" in hits
    assert "3 of 5 products" in narrowed


def test_a_misspelled_trade_is_named_as_it_was_meant(agent: Client) -> None:
    shown = markup(agent.get("/forms/new/industries", {"q": "plumer", "for": TRADE}))

    assert "Did you mean “plumber”?" in shown
    assert 'data-value="238220"' in shown


def test_earlier_forms_are_offered_to_start_from(
    agent: Client, stranger: User, sign_in: Callable[[User], Client]
) -> None:
    copy_id = made(first(agent, {NAME: "Copper Kettle"}))

    content = markup(agent.get("/forms/new/from"))
    key = re.search(r'name="renew" value="(\w+)"', content)
    assert "Copper Kettle" in content
    assert key is not None
    assert agent.post(f"/forms/{copy_id}/clone", {"renew": key[1]}).status_code == 302
    assert "Copper Kettle" not in markup(sign_in(stranger).get("/forms/new/from"))
    part = agent.get("/forms/new/from", {"q": "nobody"}, headers={"HX-Request": "true"})
    assert "No form matches “nobody”." in markup(part)
