"""Starting a form by keys alone: the first answer makes it in place; the search in the top bar leads on."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from copies.models import Copy
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.form_driver import Driver


def copies(tenant: Tenant) -> int:
    with use_tenant(tenant):
        return Copy.objects.count()


def test_a_form_is_started_by_keys_and_found_again(driver: Driver, harbor: Tenant) -> None:
    page, keys = driver.page, driver.page.keyboard
    page.goto(f"{driver.server}/")
    keys.press("n")
    page.wait_for_url("**/forms/new")
    expect(page.locator("[name=mqs_business_name]")).to_be_focused()
    assert copies(harbor) == 0

    keys.type("Copper Kettle")
    keys.press("Tab")
    page.wait_for_url(re.compile("/forms/[0-9a-f-]{36}$"))
    expect(page.locator("[name=mqs_naics]")).to_be_focused()
    keys.type("restaraunt")
    option = page.locator("[role=option]").first
    expect(option).to_contain_text("Full-Service Restaurants")
    expect(option).to_contain_text("7 of 10 products")
    keys.press("Enter")
    expect(page.locator("[name=mqs_naics]")).to_have_value("722511 Full-Service Restaurants")
    expect(page.locator("#products")).to_contain_text("7 of 10 products")
    keys.press("Tab")
    keys.type("78701")
    keys.press("Enter")
    expect(page.locator("#n-mqs_mail_zip")).to_contain_text("Austin, Texas")
    page.get_by_role("button", name="Go on to the questions").click()

    expect(page.locator("#insured")).to_have_text("Copper Kettle")
    assert copies(harbor) == 1
    expect(page.locator("[name=mqs_mail_zip]")).to_have_value("78701")
    driver.is_online()
    page.locator("#search").focus()
    keys.type("revenue last")
    expect(page.locator("#palette [role=option]").first).to_contain_text("Gross revenue")
    keys.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    keys.press("ControlOrMeta+a")
    keys.type("year the business")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("Year the business started")
    keys.press("Enter")
    expect(page.locator("[name=mqs_year_started]")).to_be_focused()
    page.locator("#search").fill("zzzz")
    expect(page.locator("#palette")).to_have_text("Nothing found")
    # Enter waits for the hits of what was typed last.
    page.locator("#search").fill("revenue last")
    keys.press("Enter")
    expect(page.locator("[name=mqs_annual_revenue]")).to_be_focused()


def test_the_theme_is_chosen_in_the_menu_of_the_avatar(driver: Driver) -> None:
    page = driver.page
    page.goto(f"{driver.server}/")
    page.get_by_role("button", name="account and settings").click()
    page.get_by_role("radio", name="Dark").check()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(f"{driver.server}/quotes")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(14, 18, 23)"
