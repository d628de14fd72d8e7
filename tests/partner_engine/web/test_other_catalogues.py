"""Catalogues besides the tenant's own: started from the list, without products, with computed values."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from django.test import Client

from catalogue.loader import load
from catalogue.models import Release
from catalogue.releases import publish
from rules.definition.catalogue import CatalogueDefinition
from tenants.access import Right
from tenants.models import ApiClient, User
from tests.harness.api_client import Api
from tests.harness.page_client import Page, markup

FAMILY = {
    "code": "family",
    "title": "Family health",
    "title_question": "full_name",
    "choices": {"parts": {"a": "Heart", "b": "Lungs"}},
    "question_sets": [
        {
            "code": "you",
            "title": "You",
            "questions": [
                {"code": "full_name", "label": "Name", "type": "text", "required": "quote", "indexed": True},
                {"code": "height", "label": "Height in m", "type": "number", "required": "quote"},
                {"code": "weight", "label": "Weight in kg", "type": "number", "required": "quote"},
                {"code": "ill", "label": "Ill", "type": "multi_choice", "choices": "parts"},
                {"code": "born", "label": "Born", "type": "date", "sensitivity": "pii"},
            ],
        }
    ],
    "derived": [
        {"code": "bmi", "value": "round(weight / (height * height), 1)", "label": "Body mass index", "show": True},
        {"code": "hidden_one", "value": "height * 2"},
        {"code": "is_tall", "value": "height > 1.9", "show": True},
    ],
}
ANSWERS = {"full_name": "Pat Lee", "height": 2, "weight": 81}


@pytest.fixture
def family(demo: Release) -> Release:
    """Return the release of a catalogue without products, published beside the demo's."""
    return publish(load(msgspec.convert(FAMILY, CatalogueDefinition)), actor_id="test")


def test_the_list_offers_no_choice_of_one_catalogue(
    demo: Release, owner: User, sign_in: Callable[[User], Client]
) -> None:
    assert "?catalogue=" not in markup(sign_in(owner).get("/forms/new"))


def test_a_new_form_is_of_any_published_catalogue(
    family: Release, owner: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(owner)

    shown = markup(client.get("/forms/new"))
    own = client.post("/forms/new", {"catalogue": "demo_small_commercial", "mqs_business_name": "First Bakery"})
    other = client.post("/forms/new", {"catalogue": "family"})

    first, second = shown.index("?catalogue=demo_small_commercial"), shown.index("?catalogue=family")
    assert first < second
    assert "Type of business" in markup(client.get(own.headers["Location"]))
    assert "Height in m" in markup(client.get(other.headers["Location"]))


def test_an_unknown_catalogue_starts_nothing(family: Release, owner: User, sign_in: Callable[[User], Client]) -> None:
    client = sign_in(owner)

    response = client.post("/forms/new", {"catalogue": "nothing"})

    assert response.status_code in (404, 422)
    assert "No application forms yet" in markup(client.get("/"))


def test_a_form_without_products_is_complete_once_nothing_is_needed(
    family: Release, owner: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(owner)
    page = Page(client, client.post("/forms/new", {"catalogue": "family"}).headers["Location"].rsplit("/", 1)[1])

    before = page.show()
    page.answer({"full_name": "Pat Lee", "height": "2", "weight": "81"})
    after = page.show()

    assert "This application has no products." in before
    assert "3 answers left" in before
    assert "Complete" in after
    assert "to see which products open" not in before + after
    assert "Complete" in markup(client.get("/", {"state": "ready"}))


def test_computed_values_are_on_the_page_and_follow_the_answers(
    family: Release, owner: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(owner)
    page = Page(client, client.post("/forms/new", {"catalogue": "family"}).headers["Location"].rsplit("/", 1)[1])

    before = page.show()
    saved = markup(page.answer({"height": "2", "weight": "81"}))

    assert '<dt>Body mass index</dt> <dd id="derived-bmi"> – </dd>' in before
    assert '<dt>Body mass index</dt> <dd id="derived-bmi"> 20.3 </dd>' in saved
    assert '<dd id="derived-is_tall"> Yes </dd>' in saved
    assert "hidden_one" not in before + saved


def test_the_copy_has_its_computed_values_and_its_state(family: Release, harbor_client: ApiClient) -> None:
    api = Api(harbor_client)

    empty = api.post("/application_forms", {"catalogue": "family"}).json()
    copy = api.post("/application_forms", {"catalogue": "family", "answers": ANSWERS}).json()

    assert (empty["state"], copy["state"]) == ("incomplete", "ready")
    assert empty["derived"]["bmi"] == {"value": None, "label": "Body mass index"}
    assert copy["derived"] == {
        "bmi": {"value": 20.3, "label": "Body mass index"},
        "is_tall": {"value": True, "label": "is_tall"},
    }
    listed = api.get("/application_forms?state=ready").json()["results"]
    assert [form["id"] for form in listed] == [copy["application_form_id"]]


def test_computed_values_are_masked_like_the_answers_they_come_from(demo: Release, harbor_client: ApiClient) -> None:
    source = {**FAMILY, "derived": [{"code": "age", "value": "years(born)", "label": "Age", "show": True}]}
    publish(load(msgspec.convert(source, CatalogueDefinition)), actor_id="test")
    whole = Api(harbor_client)
    copy = whole.post("/application_forms", {"catalogue": "family", "answers": {"born": "1980-01-31"}}).json()

    masked = Api(harbor_client, [Right.READ_FORMS]).get(f"/copies/{copy['id']}").json()

    assert isinstance(copy["derived"]["age"]["value"], int)
    assert masked["answers"]["born"]["value"] != "1980-01-31"
    assert not isinstance(masked["derived"]["age"]["value"], int)


def test_a_release_that_only_sorts_choices_anew_changes_no_answer(family: Release, harbor_client: ApiClient) -> None:
    api = Api(harbor_client)
    copy = api.post("/application_forms", {"catalogue": "family", "answers": {**ANSWERS, "ill": ["a", "b"]}}).json()
    turned = {**FAMILY, "choices": {"parts": {"b": "Lungs", "a": "Heart"}}}
    publish(load(msgspec.convert(turned, CatalogueDefinition)), actor_id="test")

    again = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"ill": ["b", "a"]}}).json()
    dropped = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"ill": ["b"]}}).json()

    assert again["changes"] == []
    assert again["version"] == copy["version"]
    assert again["needed"] == {"quote": [], "bind": []}
    assert [change["path"] for change in dropped["changes"]] == ["ill"]
