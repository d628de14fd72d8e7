"""An agent and a guest in two real browsers: a link is issued, opened, used to answer, and ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Route, expect

from batch import service as batch
from catalogue.demo import Sample
from tenants.models import Tenant, User
from tests.harness.chromium import DESK, PHONE, Window
from tests.harness.form_driver import Driver
from tests.harness.guests import issue, let_expire
from tests.harness.socket_client import save, start
from tests.harness.tiers import within

pytestmark = pytest.mark.browser


@pytest.fixture
def guest(window: Window, server: str) -> Iterator[Driver]:
    """Return a guest at a phone-sized dark window."""
    with window(viewport=PHONE, color_scheme="dark", reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        yield driver
    assert driver.faults == []


def make_link(driver: Driver, name: str) -> str:
    """Create a link in the page's dialog, by the keyboard alone; return its address."""
    driver.page.locator("#more-button").click()
    driver.page.locator("#guests-button").focus()
    driver.page.keyboard.press("Enter")
    expect(driver.page.locator("#guest-name")).to_be_focused()
    driver.page.keyboard.type(name)
    driver.page.keyboard.press("Enter")
    address = driver.page.locator("#guest-address")
    expect(address).to_be_focused()
    return address.input_value()


def open_link(guest: Driver, url: str) -> None:
    """Open a link as the guest and press its button."""
    guest.page.goto(url)
    guest.page.get_by_role("button", name="Open the application").click()
    guest.page.wait_for_url("**/form")
    expect(guest.page.locator("#form[data-live]")).to_be_attached()


def show_links(driver: Driver) -> None:
    """Open the dialog with the guest links by the mouse."""
    driver.page.locator("#more-button").click()
    driver.page.locator("#guests-button").click()


def look_at_new_link(driver: Driver) -> None:
    """Check the dialog with a link that nobody has opened, at a desk and on a phone."""
    expect(driver.page.locator(".guest-list")).to_contain_text("Not opened yet")
    driver.check_access("#guest-links")
    driver.photograph("guest-links-light-1440")
    driver.page.set_viewport_size(PHONE)
    driver.check_access("#guest-links")
    driver.photograph("guest-links-light-390")
    driver.page.set_viewport_size(DESK)


def look_at_form(guest: Driver) -> None:
    """Check the guest's form, closed and with what is left."""
    guest.check_access()
    guest.photograph("guest-form-dark-390")
    guest.page.get_by_role("button", name="answers left").click()
    guest.check_access("#products")
    guest.photograph("guest-left-dark-390")
    guest.page.keyboard.press("Escape")


def both_see_what_the_other_saves(driver: Driver, guest: Driver) -> None:
    """Let the guest and then the agent answer a question; each page shows it."""
    guest.answer("mqs_mail_city", "Waco")
    saved_at = time.monotonic()
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Waco")
    assert time.monotonic() - saved_at < within(5)
    expect(driver.page.locator("#live")).to_contain_text("Gus Miller (guest) changed 1 answer.")
    driver.answer("mqs_business_name", "Copper Kettle")
    expect(guest.page.locator("#insured")).to_have_text("Copper Kettle")


def end_link(driver: Driver, guest: Driver) -> None:
    """End the guest's link in the dialog; the guest's page says so at once."""
    driver.page.on("dialog", lambda dialog: dialog.accept())
    driver.page.get_by_role("button", name="End the link for Gus Miller").click()
    expect(driver.page.locator(".guest-list")).to_contain_text("Ended")
    ended_at = time.monotonic()
    expect(guest.page.locator("#banner")).to_contain_text("This link is no longer valid")
    assert time.monotonic() - ended_at < within(5)


def test_a_guest_answers_is_seen_and_is_revoked(driver: Driver, guest: Driver, copy_id: UUID) -> None:
    driver.open(copy_id)
    show_links(driver)
    expect(driver.page.locator("#guest-links")).to_contain_text("There is no guest yet")
    driver.check_access("#guest-links")
    driver.photograph("guest-links-empty-light-1440")
    driver.page.keyboard.press("Escape")
    url = make_link(driver, "Gus Miller")
    look_at_new_link(driver)

    guest.page.goto(url)
    guest.check_access()
    guest.photograph("guest-link-dark-390")
    open_link(guest, url)
    assert guest.page.url == f"{guest.server}/guest/{copy_id}/form"
    look_at_form(guest)
    expect(driver.page.locator("#people")).to_contain_text("Gus Miller (guest)")
    expect(guest.page.locator("#people")).to_contain_text("Ona Owner")

    driver.page.get_by_role("button", name="Close").click()
    both_see_what_the_other_saves(driver, guest)

    show_links(driver)
    expect(driver.page.locator(".guest-list")).to_contain_text("last seen")
    end_link(driver, guest)
    expect(driver.page.locator("#people li")).to_have_count(0)
    guest.photograph("guest-ended-dark-390")
    guest.page.fill("[name=mqs_mail_city]", "Dallas")
    guest.page.keyboard.press("Tab")
    expect(guest.page.locator("#saved")).to_contain_text("This link is no longer valid")
    guest.check_access("#banner")
    guest.page.on("dialog", lambda dialog: dialog.accept())
    guest.page.goto(f"{guest.server}/guest/{copy_id}")
    expect(guest.page.get_by_role("heading", name="Your link is no longer valid")).to_be_visible()
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Waco")
    # The browser's console shows the refusal, as expected.
    guest.faults.clear()


def test_the_secret_leaves_the_address_and_goes_to_no_other_server(
    driver: Driver, guest: Driver, harbor: Tenant, copy_id: UUID
) -> None:
    _, secret = issue(harbor, copy_id)
    url = f"{guest.server}/guest/{copy_id}#{secret}"
    asked: list[tuple[str, str]] = []

    def note(route: Route) -> None:
        asked.append((route.request.url, route.request.headers.get("referer", "")))
        route.continue_()

    guest.page.route("**/*", note)
    open_link(guest, url)
    guest.page.go_back()
    guest.page.wait_for_load_state()
    assert secret not in guest.page.url
    # The link once more, in the browser where it was opened: its form, and no secret in the address.
    guest.page.goto("about:blank")
    guest.page.goto(url)
    guest.page.wait_for_url(f"{guest.server}/guest/{copy_id}/form")

    assert len(asked) > 10
    assert [(address, referrer) for address, referrer in asked if secret in address or referrer] == []


@pytest.mark.slow  # tests of the guest's endpoints try the same
def test_a_link_is_valid_in_one_browser_only(
    driver: Driver, guest: Driver, window: Window, harbor: Tenant, copy_id: UUID
) -> None:
    link_id, secret = issue(harbor, copy_id)
    url = f"{guest.server}/guest/{copy_id}#{secret}"
    open_link(guest, url)

    with window(viewport=DESK, color_scheme="dark") as context:
        other = Driver(context.new_page(), guest.server)
        other.page.goto(url)
        expect(other.page.get_by_role("heading", name="This link is no longer valid")).to_be_focused()
        assert other.page.url == f"{guest.server}/guest/{copy_id}"
        other.check_access()
        other.photograph("guest-link-over-dark-1440")
        other.page.goto(f"{guest.server}/guest/{copy_id}/form")
        expect(other.page.get_by_role("heading", name="Open your link again")).to_be_visible()
        other.check_access()
    guest.page.reload()
    expect(guest.page.locator("#form[data-live]")).to_be_attached()

    let_expire(harbor, link_id)
    expect(guest.page.locator("#banner")).to_contain_text("This link is no longer valid")


@pytest.mark.slow  # at a phone in test_guest_steps.py
def test_a_guest_finishes(server: str, agent: User, harbor: Tenant, s1: Sample, guest: Driver) -> None:
    copy_id = start(harbor, agent.as_actor(source="web"), s1)
    save(harbor, agent.as_actor(source="web"), copy_id, {"mqs_mail_city": None})
    _, secret = issue(harbor, copy_id, name="Gus")
    guest.page.set_viewport_size(DESK)
    guest.page.emulate_media(color_scheme="light")
    open_link(guest, f"{server}/guest/{copy_id}#{secret}")

    guest.page.get_by_role("button", name="I am done").click()
    expect(guest.page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(guest.page.locator("#live")).to_contain_text("Thank you")
    expect(guest.page.locator("#products")).to_contain_text("Your agent will see to what is left")
    guest.check_access()
    guest.photograph("guest-form-light-1440")
    guest.page.locator("#products").get_by_role("link", name="Mailing city").click()
    expect(guest.page.locator("[name=mqs_mail_city]")).to_be_focused()
    guest.page.keyboard.type("Austin")
    guest.page.keyboard.press("Tab")
    expect(guest.page.locator("#products")).not_to_contain_text("Mailing city")
    guest.page.set_viewport_size(PHONE)
    guest.check_access()
    guest.photograph("guest-done-light-390")
    with_actions = batch.find(copy_id, scope=harbor, actor=agent.as_actor(source="web"))
    assert with_actions.read_only_changeset().document.answers["mqs_mail_city"].value == "Austin"
