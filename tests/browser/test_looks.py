"""Every page of agents, and the states that no other test reaches: axe, sideways scroll and pictures, in both themes,
wide and narrow. The pages are read from the URL configuration, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tenants.access import Role
from tenants.flags import BATCH_OPERATIONS
from tenants.models import User
from tests.harness.agency_world import AgencyWorld, make_world
from tests.harness.form_driver import Driver
from tests.harness.page_addresses import addresses_of
from tests.harness.switched_on import switch_on

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Pages that other tests look at, in the same way and in more states.
ELSEWHERE: Final = frozenset({"copy", "new-form", "compare", "bind", "operation-effects", "declines"})
#: Pages of others than signed-in agents: ``test_outside_looks.py``.
OUTSIDE: Final = frozenset({"sign-in", "sign-in-code", "forgot-password", "set-password", "accept-invitation"})
State = Callable[[Driver, AgencyWorld], None]


@pytest.fixture
def world(server: str, agent: User) -> AgencyWorld:
    """Return the agency's work; the agent administers it."""
    User.objects.filter(pk=agent.pk).update(role=Role.TENANT_ADMIN)
    switch_on(BATCH_OPERATIONS)
    return make_world(agent)


def names_and_pages(page: Page, server: str, world: AgencyWorld) -> dict[str, str]:
    """Return the addresses of all whole pages by name, without parts of pages, files and orders."""
    ids = {
        "copy_id": world.restaurant,
        "request_id": world.quote,
        "quote_id": world.quote,
        "link_id": world.guest_link,
        "operation_id": world.operation,
        "endpoint_id": world.endpoint,
        "version": 1,
        "uidb64": "MQ",
        "token": "no-token",
        "code": "nowhere",
    }
    found = {}
    for name, address in addresses_of("web", **ids):
        if name in OUTSIDE | ELSEWHERE:
            continue
        response = page.request.get(server + address, max_redirects=0)
        is_page = response.headers.get("content-type", "").startswith("text/html") and "<html" in response.text()
        if response.status == 200 and is_page:
            found[name] = address
    return found


def test_every_page_in_every_look(driver: Driver, world: AgencyWorld) -> None:
    pages = names_and_pages(driver.page, driver.server, world)
    assert {"forms", "account", "start-from", "quotes", "operations", "webhook", "agency", "version"} <= set(pages)
    faults = []

    for name, address in pages.items():
        driver.page.goto(f"{driver.server}{address}")
        try:
            driver.check_in_every_look(name)
        except AssertionError as fault:
            faults.append(str(fault))

    assert faults == []


def lists(driver: Driver, world: AgencyWorld) -> None:
    """Show the worklist without rows, with a filter, a selection, and the products of a row; and deleted forms."""
    page = driver.page
    addresses = {"forms-none": "/?view=starts", "forms-no-match": "/?q=zzzz", "forms-deleted": "/?view=deleted"}
    for name, address in addresses.items():
        page.goto(f"{driver.server}{address}")
        driver.check_in_every_look(name)
    page.goto(f"{driver.server}/?state=ready&line=bop&owner=me")
    driver.check_in_every_look("forms-filtered")
    page.goto(f"{driver.server}/")
    driver.check_in_every_look("forms-choices", opened=lambda: reopen(page, "#chip-state", "#filter-state"))
    page.keyboard.press("Escape")
    page.locator("[data-select]").first.check()
    page.locator("[data-select]").nth(1).check()
    driver.check_in_every_look("forms-selected", at=".selection-bar")
    page.goto(f"{driver.server}/")
    page.locator("[data-peek]").last.click()
    expect(page.locator("#peek-content ul").first).to_be_visible()
    driver.check_in_every_look("forms-peek", at="#peek")


def menus(driver: Driver, world: AgencyWorld) -> None:
    """Show the search of every page, the menus of account, copy and question, and the keys."""
    page = driver.page
    driver.open(world.restaurant)
    driver.is_online()
    driver.check_in_every_look("form-plans")
    driver.check_in_every_look("account-menu", opened=lambda: reopen(page, "#account-button", "#account-menu"))
    page.keyboard.press("Escape")
    driver.check_in_every_look("copy-menu", opened=lambda: reopen(page, "#more-button", "#copy-menu"))
    page.keyboard.press("Escape")
    page.locator("#account-button").click()
    page.locator('#account-menu [data-open-dialog="keys"]').click()
    expect(page.locator("#keys")).to_be_visible()
    driver.check_in_every_look("keys", at="#keys-title")
    page.keyboard.press("Escape")
    page.locator("#search").fill("rev")
    expect(page.locator("#palette [role=option]").first).to_be_visible()
    driver.check_in_every_look("search", opened=lambda: page.locator("#search").focus())
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("[name=mqs_annual_revenue]").focus()
    page.keyboard.press("Alt+w")
    expect(page.locator("#question-why")).to_contain_text("Who needs this")
    driver.check_in_every_look("question-why", at="#question-why")


def states_of_forms(driver: Driver, world: AgencyWorld) -> None:
    """Show a locked, a bound, a deleted and a waiting form, and what staff see of one."""
    page = driver.page
    for name, copy_id in {
        "form-locked": world.locked,
        "form-bound": world.bound,
        "form-deleted": world.deleted,
        "form-waiting": world.waiting,
    }.items():
        driver.open(copy_id)
        driver.check_in_every_look(name)
    page.goto(f"{driver.server}/forms/{world.locked}/quotes")
    driver.check_in_every_look("quotes-none")
    page.goto(f"{driver.server}/forms/{world.locked}/compare")
    driver.check_in_every_look("compare-one-copy")
    page.goto(f"{driver.server}/forms/{world.restaurant}/history")
    page.locator("main summary").first.click()
    driver.check_in_every_look("history-opened", at="main summary")
    page.goto(f"{driver.server}/nowhere")
    driver.check_in_every_look("not-found")


def news(driver: Driver, world: AgencyWorld) -> None:
    """Show an open form after a sign-out elsewhere."""
    page = driver.page
    driver.open(world.restaurant)
    driver.is_online()
    page.context.clear_cookies()
    page.locator("[name=mqs_mail_city]").fill("Waco")
    page.keyboard.press("Enter")
    expect(page.locator("#banner")).to_be_visible()
    driver.check_in_every_look("signed-out", at="#f-mqs_mail_city")
    driver.faults.clear()
    page.on("dialog", lambda dialog: dialog.accept())


@pytest.mark.parametrize("state", [lists, menus, states_of_forms, news])
def test_states_in_every_look(driver: Driver, world: AgencyWorld, state: State) -> None:
    state(driver, world)


def reopen(page: Page, button: str, menu: str) -> None:
    """Open a menu, again if a change of the window left it where its button was."""
    if page.locator(menu).is_visible():
        page.keyboard.press("Escape")
    page.locator(button).click()
    expect(page.locator(menu)).to_be_visible()
