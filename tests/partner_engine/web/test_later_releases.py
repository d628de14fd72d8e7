"""The form page under a later release: old values stay visible, and what is no longer asked can be deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from batch.context import BatchContext
from catalogue import releases
from rules.definition.catalogue import CatalogueDefinition
from tests.harness.certain_text import certain
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS
from tests.harness.later_releases import (
    publish_release,
    renamed,
    with_pool,
    with_question,
    without_question,
    without_sets,
)
from tests.harness.page_client import Page, StartForm, markup

Open = Callable[[str], Page]
Read = Callable[[str], BatchContext]

MANY = {
    "TX": "Texas",
    "OH": "Ohio",
    "NM": "New Mexico, the land of enchantment",
    "CO": "Colorado, the centennial state",
}


@pytest.fixture
def kennel_page(start_form: StartForm, open_page: Open) -> Callable[..., Page]:
    """Return what opens the page of a new form of kennels, in a catalogue with ``changes``."""

    def start(base: CatalogueDefinition = KENNELS, **answers: Any) -> Page:
        releases.forget_compiled_releases()
        publish_release(base)
        return open_page(start_form({**ANSWERS, **answers}, {"houses": HOUSES}, catalogue="kennels"))

    return start


def without_choice(base: CatalogueDefinition, code: str, choice: str) -> CatalogueDefinition:
    labels = {key: label for key, label in base.choices[code].items() if key != choice}
    products = tuple(replace(product, states=None) for product in base.products)
    return replace(base, choices={**base.choices, code: labels}, products=products)


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (KENNELS.choices["states"], 'name="state" value="TX" checked data-gone'),
        (MANY, '<option value="TX" selected disabled> Texas (no longer offered) </option>'),
    ],
    ids=["segments", "select"],
)
def test_a_removed_choice_is_shown_as_no_longer_offered(
    labels: dict[str, str], shown: str, kennel_page: Callable[..., Page]
) -> None:
    base = replace(KENNELS, choices={**KENNELS.choices, "states": labels})
    page = kennel_page(base)
    publish_release(without_choice(base, "states", "TX"))

    content = page.show()

    assert shown in content
    assert "Texas (no longer offered)" in content
    assert "This is not one of the choices." in content


def test_a_removed_choice_of_several_stays_ticked_until_the_answer_is_given_anew(
    kennel_page: Callable[..., Page], read: Read
) -> None:
    page = kennel_page(lines=["care", "premises"])
    lines = {"care": "Animals in care"}
    kept = tuple(line for line in KENNELS.lines if line.code == "care")
    publish_release(replace(KENNELS, choices={**KENNELS.choices, "lines": lines}, lines=kept))

    content = page.show()
    assert 'type="checkbox" name="lines" value="premises" checked data-gone' in content
    assert "Premises (no longer offered)" in content

    page.answer({"lines": ["care"]})
    assert "no longer offered" not in page.show()
    assert read(page.copy_id).changeset.document.answers["lines"].value == ["care"]


def test_what_is_no_longer_asked_is_listed_and_can_be_deleted(kennel_page: Callable[..., Page], read: Read) -> None:
    page = kennel_page(trade="812910", owner_phone="614-555-0101")
    assert '<section class="card orphans" id="orphans" hidden' in page.show()
    publish_release(without_question("owner_phone", without_sets("houses", "fences")))

    content = page.show()
    assert "No longer asked" in content
    assert "Phone: ••••" in content
    assert "Kennel houses: 1 row" in content
    assert "614" not in certain(content)
    assert 'data-discard="houses"' in content and 'data-discard="owner_phone"' in content

    after = markup(page.order("discard", "houses"))
    assert "Kennel houses" not in after
    assert "Phone: ••••" in after
    page.order("discard", "owner_phone")
    document = read(page.copy_id).changeset.document
    assert "owner_phone" not in document.answers and document.answer_pools == {}
    assert page.order("discard", "kennel_name").status_code == 422
    assert read(page.copy_id).changeset.document.answers["kennel_name"].value == "Happy Tails"


def test_renamed_answers_are_in_their_new_fields(kennel_page: Callable[..., Page]) -> None:
    page = kennel_page()
    publish_release(renamed({"kennel_name": "trade_name"}))

    content = page.show()

    assert 'name="trade_name" value="Happy Tails"' in content
    assert 'name="kennel_name"' not in content


def test_a_duplicate_leaves_out_what_the_release_would_refuse(kennel_page: Callable[..., Page], read: Read) -> None:
    page = kennel_page()
    publish_release(with_pool("fences", with_question("house_name", type="zip"), max=0))
    (row,) = read(page.copy_id).changeset.find_pool("houses").rows

    response = page.order("duplicate", row.path)

    assert response.status_code == 200, response.content
    old, new = read(page.copy_id).changeset.find_pool("houses").rows
    assert [house.find_answer("runs").value for house in (old, new)] == [20, 20]
    assert [house.find_answer("house_name").value for house in (old, new)] == ["North", None]
    assert [len(house.find_pool("fences").rows) for house in (old, new)] == [1, 0]
