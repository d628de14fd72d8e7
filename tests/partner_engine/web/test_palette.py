"""The search in the top bar finds forms, questions of the open form, and actions."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tenants.models import User
from tests.harness.page_client import StartForm, markup

pytestmark = pytest.mark.django_db


def found(client: Client, query: str, copy_id: str = "") -> list[str]:
    response = client.get("/palette", {"q": query, "copy": copy_id}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    content = re.sub(r"<span>.*?</span>", "", markup(response))
    return [" ".join(text.split()) for text in re.findall(r'role="option"[^>]*>(.*?)</a>', content)]


def test_forms_questions_and_actions_are_found(
    start_form: StartForm, owner: User, stranger: User, sign_in: Callable[[User], Client]
) -> None:
    copy_id = start_form({"mqs_business_name": "First Bakery", "mqs_lobs": ["bop"]})
    agent = sign_in(owner)

    assert found(agent, "bakry") == ["First Bakery"]
    assert found(agent, "new") == ["New form", "New form from last year’s form"]
    assert found(agent, "total payroll", copy_id) == ["Total annual payroll"]
    assert found(agent, "total payroll") == []
    assert found(agent, "hist", copy_id) == ["Go to History of this form"]
    assert "Go to Quotes" in found(agent, "")
    assert found(sign_in(stranger), "total payroll", copy_id) == []
    assert found(sign_in(stranger), "bakery", copy_id) == []


def test_a_question_leads_to_its_place_and_a_hidden_one_to_what_would_show_it(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client]
) -> None:
    answers: dict[str, object] = {"mqs_business_name": "First Bakery", "mqs_lobs": ["bop"]}
    copy_id = start_form(answers, {"locations": [{"answers": {}}]})
    agent = sign_in(owner)

    def addresses(query: str) -> list[str]:
        shown = agent.get("/palette", {"q": query, "copy": copy_id}).content.decode()
        return re.findall(r'href="(/forms/[^"]*)"', shown)

    (hidden,) = addresses("cyber limit")
    page = agent.get(hidden.partition("#")[0]).content.decode()
    assert hidden.startswith(f"/forms/{copy_id}/questions?q=")
    assert f'id="{hidden.partition("#")[2]}"' in page
    assert "shown when" in page
    assert "not asked now" in markup(agent.get("/palette", {"q": "cyber limit", "copy": copy_id}))
    assert addresses("total payroll") == [f"/forms/{copy_id}#f-mqs_payroll_total"]
    # A question of rows leads to the first row that asks it; without a row its line says that one is needed.
    assert re.fullmatch(rf"/forms/{copy_id}#f-locations-[0-9a-f-]+-mqs_loc_zip", addresses("zip locations")[0])
    assert addresses("full name owners")[0].startswith(f"/forms/{copy_id}/questions?")


def test_unreadable_words_find_nothing(start_form: StartForm, owner: User, sign_in: Callable[[User], Client]) -> None:
    agent = sign_in(owner)

    assert found(agent, "\0") == found(agent, "")
    assert found(agent, "zzzz", "no id") == []


@pytest.mark.parametrize(("cookie", "shown"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')])
def test_the_theme_that_was_chosen_comes_with_the_page(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client], cookie: str, shown: str
) -> None:
    agent = sign_in(owner)
    plain = agent.get("/").content.decode()
    agent.cookies["theme"] = cookie

    assert shown in agent.get("/").content.decode()
    agent.cookies["theme"] = '"><script>'
    assert "data-theme" not in plain + agent.get("/").content.decode()
