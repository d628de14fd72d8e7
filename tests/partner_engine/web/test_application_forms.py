"""The list of application forms, and starting one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from catalogue.models import Release
from tenants.models import User
from tests.harness.page_client import StartForm


def test_an_empty_list_explains_what_to_do(demo: Release, owner: User, sign_in: Callable[[User], Client]) -> None:
    content = sign_in(owner).get("/").content.decode()

    assert "No application forms yet" in content
    assert 'href="/forms/new"' in content


def test_list_shows_own_tenants_forms_last_touched_first(
    start_form: StartForm, owner: User, stranger: User, sign_in: Callable[[User], Client]
) -> None:
    start_form({"mqs_business_name": "First Bakery", "mqs_lobs": ["bop", "wc"]})
    start_form({"mqs_business_name": "Second <b>Bar</b>"})

    content = sign_in(owner).get("/").content.decode()

    assert content.index("Second &lt;b&gt;Bar&lt;/b&gt;") < content.index("First Bakery")
    assert all(word in content for word in ("BOP", "Business owners", "WC", "Workers compensation"))
    assert "First Bakery" not in sign_in(stranger).get("/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "bakery"}, True),
        ({"q": "bar"}, False),
        ({"state": "incomplete"}, True),
        ({"state": "ready"}, False),
        ({"state": "nonsense"}, True),
        ({"view": "mine"}, True),
        ({"view": "quoted"}, False),
        ({"view": "nonsense"}, True),
        ({"line": ["bop", "wc"]}, True),
        ({"line": "cyber"}, False),
        ({"us_state": "TX"}, True),
        ({"us_state": ["OH", "FL"]}, False),
        ({"carrier": "quillmark"}, False),
        ({"owner": "me"}, True),
        ({"owner": "nobody"}, False),
        ({"owner": "nonsense"}, True),
        ({"from": "2026-12-01", "to": "2026-12-31"}, True),
        ({"from": "2026-12-16"}, False),
        ({"to": "2026-13-01"}, True),
        ({"sort": "-premium"}, True),
        ({"sort": "nonsense"}, True),
        ({"after": "nonsense"}, True),
        ({"q": "bakery", "sort": "insured"}, True),
        ({"q": "\0b%y'_\\"}, False),
    ],
)  # fmt: skip
def test_search_filter_and_pages(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client], *, query: dict[str, object], found: bool
) -> None:
    start_form(
        {
            "mqs_business_name": "First Bakery",
            "mqs_lobs": ["bop"],
            "mqs_mail_zip": "78701",
            "mqs_effective_date": "2026-12-15",
        }
    )

    response = sign_in(owner).get("/", query)

    assert response.status_code == 200
    assert ("First Bakery" in response.content.decode()) is found


def test_part_of_the_list_for_a_search_while_typing(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client]
) -> None:
    start_form({"mqs_business_name": "First Bakery"})

    content = sign_in(owner).get("/", {"q": "bakery"}, headers={"HX-Request": "true"}).content.decode()

    assert content.lstrip().startswith('<section id="results"')
    assert "First Bakery" in content
