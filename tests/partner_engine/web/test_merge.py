"""The page that merges copies by picks."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from batch import service as batch
from copies.merge import difference_id
from tenants.models import User
from tests.harness.page_client import Page, StartForm, markup

pytestmark = pytest.mark.django_db


class Merging:
    """The merge page of a base and a copy of it."""

    def __init__(self, page: Page, copy: str) -> None:
        self.client: Client = page.client
        self.base, self.copy = page.copy_id, copy

    def open(self, query: str = "") -> str:
        response = self.client.get(f"/forms/{self.base}/compare?with={self.copy}&merge=1{query}")
        assert response.status_code == 200
        return markup(response)

    def fields(self, content: str) -> dict[str, str]:
        """Return the fields that the page would send."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', content))
        picked = re.findall(r'name="(pick-\w+)" value="(\w+)" checked', re.sub(r"\s+", " ", content))
        return hidden | dict(picked)

    def send(self, what: str, fields: dict[str, str]) -> tuple[int, str, str]:
        response = self.client.post(f"/forms/{self.base}/merge{what}", fields, headers={"HX-Request": "true"})
        return response.status_code, response.content.decode(), response.headers.get("HX-Redirect", "")


@pytest.fixture
def merging(start_form: StartForm, open_page: Callable[[str], Page], owner: User) -> Merging:
    page = open_page(start_form({"mqs_legal_entity": "llc", "mqs_annual_revenue": 1000}))
    assert owner.tenant is not None
    with batch.build_copy(
        page.copy_id, scope=owner.tenant, actor=owner.as_actor(source="web"), title="What if"
    ) as context:
        context.changeset.find_answer("mqs_annual_revenue").apply(2000)
        context.changeset.find_answer("mqs_legal_entity").apply("s_corp")
        context.save()
        return Merging(page, str(context.copy.id))


def test_one_pick_is_merged_and_undone(merging: Merging, read: Callable[[str], batch.BatchContext]) -> None:
    content = merging.open()
    assert content.count("Changed in What if") == 2
    assert "2 changes here" in content
    fields = merging.fields(content)
    revenue = f"pick-{difference_id('answer', 'mqs_annual_revenue')}"
    picks = {name: ("theirs" if name == revenue else "mine") if name.startswith("pick-") else value
             for name, value in fields.items()}  # fmt: skip

    assert "1 change here" in merging.send("/preview", picks)[1]
    status, _, address = merging.send("", picks)

    assert (status, "merged=2" in address) == (200, True)
    answers = read(merging.base).read_only_changeset().document.answers
    assert (answers["mqs_annual_revenue"].value, answers["mqs_legal_entity"].value) == (2000, "llc")
    assert "Undo" in merging.open("&merged=2")
    status, _, address = merging.send("/undo", {"with": merging.copy, "version": "2"})
    assert "kept=0" in address
    assert "The merge is undone." in merging.open("&kept=0") and "2 later changes stay." in merging.open("&kept=2")
    assert read(merging.base).read_only_changeset().document.answers["mqs_annual_revenue"].value == 1000


def test_a_clash_stands_on_top_without_a_pick_and_refuses_the_merge(
    merging: Merging, open_page: Callable[[str], Page]
) -> None:
    open_page(merging.base).answer({"mqs_annual_revenue": "3,000"})
    content = merging.open()

    assert content.index("Clashes:") < content.index("Changes")
    assert "1 clash without a pick" in content
    fields = merging.fields(content)
    status, text, _ = merging.send("", fields)
    assert (status, "1 clash has no pick yet. Nothing was merged." in text) == (422, True)
    clash = next(name for name in re.findall(r'name="(pick-\w+)"', content) if name not in fields)
    assert merging.send("", {**fields, clash: "theirs"})[0] == 200


def test_what_changed_meanwhile_refuses_the_merge(merging: Merging, open_page: Callable[[str], Page]) -> None:
    fields = merging.fields(merging.open())
    open_page(merging.base).answer({"mqs_annual_revenue": "4,000"})

    for what in ("/preview", ""):
        assert "Somebody has changed this copy meanwhile." in merging.send(what, fields)[1]
    assert merging.send("", {**fields, "version": "x"})[0] == 400


def test_a_form_with_one_copy_has_nothing_to_merge(start_form: StartForm, open_page: Callable[[str], Page]) -> None:
    page = open_page(start_form())

    assert "There is no other copy to merge." in markup(page.client.get(f"/forms/{page.copy_id}/compare?merge=1"))
