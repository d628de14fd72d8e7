"""The worklist in a browser: keys, a filter, deletion with undo, and axe in every look."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import expect

from tests.harness.form_driver import Driver

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
