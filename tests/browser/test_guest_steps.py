"""A guest at a phone: who asks before the link is opened, one question set per screen, and the bar that finishes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from batch import service as batch
from catalogue.demo import Sample
from tenants.models import Tenant, User
from tests.harness.chromium import PHONE, Window
from tests.harness.form_driver import Driver
from tests.harness.guests import issue
from tests.harness.long_catalogue import store_long_release
from tests.harness.socket_client import save, start

pytestmark = pytest.mark.browser


def test_a_guest_goes_through_the_sets_at_a_phone_and_finishes(
    window: Window, server: str, agent: User, harbor: Tenant, s1: Sample
) -> None:
    actor = agent.as_actor(source="web")
    copy_id = start(harbor, actor, s1)
    save(harbor, actor, copy_id, {"mqs_mail_city": None, "mqs_annual_revenue": None})
    _, secret = issue(harbor, copy_id, actor=actor, name="Gus")
    with window(viewport=PHONE, has_touch=True, reduced_motion="reduce") as context:
        guest = Driver(context.new_page(), server)
        page = guest.page
        page.goto(f"{server}/guest/{copy_id}#{secret}")
        asks = f"{agent.full_name}, {harbor.name}, asks you about Copper Kettle Bistro LLC"
        expect(page.get_by_role("heading", name=asks)).to_be_visible()
        guest.check_access()
        page.get_by_role("button", name="Open the application").click()
        page.wait_for_url("**/form")
        expect(page.locator("#form[data-live]")).to_be_attached()
        expect(page.get_by_role("heading", name=asks)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

        steps = page.locator("#steps")
        shown = page.locator(".cards > .set:visible")
        expect(shown).to_have_count(1)
        expect(steps).to_contain_text("1 of ")
        expect(steps.get_by_role("button", name="Back")).to_be_disabled()
        expect(steps.get_by_role("button", name="I am done")).to_be_hidden()
        steps.get_by_role("button", name="Next").click()
        expect(shown).to_have_count(1)
        expect(page.get_by_role("heading", name="Size")).to_be_focused()
        expect(page.locator("#menu-place")).to_contain_text("2 of ")
        guest.check_access()
        guest.photograph("guest-step-light-390")

        # A link to a question of another set leads there; an answer leaves the set where it is.
        page.get_by_role("button", name="answers left").click()
        page.locator("#products").get_by_role("link", name="Mailing city").click()
        expect(page.locator("[name=mqs_mail_city]")).to_be_focused()
        page.keyboard.type("Austin")
        page.keyboard.press("Tab")
        expect(page.locator("#products")).not_to_contain_text("Mailing city")
        expect(steps).to_contain_text("1 of ")
        expect(shown).to_have_count(1)

        while steps.get_by_role("button", name="Next").is_visible():
            steps.get_by_role("button", name="Next").click()
        expect(shown).to_have_count(1)
        steps.get_by_role("button", name="I am done").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        expect(page.locator("#products")).to_contain_text("Your agent will see to what is left")
        expect(page.locator("#products")).to_contain_text("Gross revenue")
        expect(steps.get_by_role("button", name="I am done")).to_be_hidden()
        guest.check_access("#products")
        guest.photograph("guest-done-bar-light-390")
        assert guest.faults == []


@pytest.mark.slow
def test_the_steps_of_a_long_form_are_drawn(window: Window, server: str, agent: User, harbor: Tenant) -> None:
    store_long_release()
    actor = agent.as_actor(source="web")
    with batch.build_context(scope=harbor, actor=actor, catalogue="long") as context:
        context.save()
        copy_id = context.copy.id
    _, secret = issue(harbor, copy_id, actor=actor, name="Gus")
    with window(viewport=PHONE, has_touch=True, reduced_motion="reduce") as context:
        guest = Driver(context.new_page(), server)
        page = guest.page
        page.goto(f"{server}/guest/{copy_id}#{secret}")
        page.get_by_role("button", name="Open the application").click()
        page.wait_for_url("**/form")
        steps = page.locator("#steps")

        for number in (2, 3):
            steps.get_by_role("button", name="Next").click()
            expect(steps).to_contain_text(f"{number} of 50")
            expect(page.get_by_role("heading", name=f"Part {number - 1}")).to_be_focused()
        expect(page.locator("#i-q2_3")).to_be_visible()
        guest.answer("q2_3", "Ada")
        steps.get_by_role("button", name="Back").click()
        expect(page.locator("#i-q1_3")).to_be_visible()
        assert guest.faults == []
