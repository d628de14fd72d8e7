"""The worklist in a browser: keys, a filter, the products of rows, deletion with undo, and axe in every look."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import expect

from tenants.flags import BATCH_OPERATIONS
from tenants.models import User
from tests.harness.form_driver import Driver
from tests.harness.socket_client import start
from tests.harness.switched_on import switch_on

pytestmark = pytest.mark.browser


def test_a_form_is_chosen_by_keys_filtered_deleted_and_brought_back(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    page.goto(f"{driver.server}/")

    page.keyboard.press("j")
    expect(page.locator(".form-row .name")).to_be_focused()
    driver.check_in_every_look("worklist", at=".worklist")

    page.locator("#chip-us_state").click()
    page.get_by_label("Ohio").check()
    expect(page.locator("#chip-us_state")).to_have_text(re.compile("US state: OH"))
    expect(page).to_have_url(f"{driver.server}/?us_state=OH")
    page.get_by_label("Ohio").uncheck()
    expect(page.locator(".form-row")).to_have_count(1)

    other = Driver(page.context.new_page(), driver.server)
    other.open(copy_id)
    other.is_online()
    driver.open(copy_id)
    driver.is_online()
    refused: list[str] = []
    page.on("response", lambda response: refused.append(response.url) if response.status >= 400 else None)
    page.locator("#more-button").click()
    page.get_by_role("button", name="Delete this form").click()
    expect(page.locator("#toast")).to_contain_text("Deleted")
    expect(page.locator(".form-row")).to_have_count(0)
    expect(other.page.locator("#banner")).to_contain_text("This form was deleted.")
    other.page.get_by_role("link", name="Show the deleted form").click()
    expect(other.page.get_by_role("button", name="Restore")).to_be_visible()
    assert refused == []
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".form-row")).to_have_count(1)
    # The keys work as soon as the page's scripts have run.
    page.wait_for_url(f"{driver.server}/")
    page.keyboard.press("j")
    expect(page.locator(".form-row .name")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{driver.server}/forms/{copy_id}")


def test_products_are_shown_beside_the_list_and_a_selection_is_deleted(
    driver: Driver, copy_id: UUID, agent: User
) -> None:
    assert agent.tenant is not None
    switch_on(BATCH_OPERATIONS)
    start(agent.tenant, agent.as_actor(source="web"))
    page = driver.page
    page.goto(f"{driver.server}/")
    peek, names = page.locator("#peek"), page.locator(".form-row .name")
    before = names.nth(1).bounding_box()

    page.keyboard.press("j")
    page.keyboard.press("Space")
    expect(peek.get_by_role("link", name="Open the form")).to_have_attribute(
        "href", str(names.nth(0).get_attribute("href"))
    )
    expect(page.locator("#live")).to_contain_text("Products of")
    expect(names.nth(0)).to_be_focused()
    assert names.nth(1).bounding_box() == before
    driver.check_in_every_look("worklist-products", at="#peek", is_known=True)
    page.keyboard.press("j")
    expect(peek.get_by_role("link", name="Open the form")).to_have_attribute(
        "href", str(names.nth(1).get_attribute("href"))
    )
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    expect(names.nth(1)).to_be_focused()
    opener = page.locator("[data-peek]").nth(1)
    opener.click()
    expect(peek).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()

    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    expect(page.locator("#palette").get_by_role("option", name="Go to Quotes")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("#filter-q")).to_be_focused()

    quotes = Driver(page.context.new_page(), driver.server)
    quotes.page.goto(f"{driver.server}/forms/{copy_id}/quotes")
    expect(quotes.page.locator("#quotes[data-live]")).to_be_attached()
    page.locator("[data-select-all]").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#toast")).to_contain_text("Deleted 2 forms.")
    expect(names).to_have_count(0)
    expect(quotes.page.get_by_role("button", name="Restore")).to_be_visible()
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(names).to_have_count(2)
    assert quotes.faults == []
