"""The pages of webhooks in a browser: an administrator adds an endpoint, tests it, and reads the response."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tenants.access import Role
from tenants.models import User
from tests.harness.chromium import Window
from tests.harness.form_driver import Driver
from tests.harness.tiers import PATIENCE, until
from tests.harness.webhook_fixtures import HERE
from tests.harness.webhook_receiver import Receiver, running_receiver
from webhooks.client import HttpWebhookClient
from webhooks.delivery import Deliverer

pytestmark = pytest.mark.browser

WIDTHS = (1440, pytest.param(390, marks=pytest.mark.slow))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a partner's system to which the server may send."""
    with running_receiver() as running:
        yield running


@pytest.mark.parametrize("width", WIDTHS)
def test_an_endpoint_is_added_tested_and_read(
    width: int, receiver: Receiver, window: Window, server: str, agent: User
) -> None:
    agent.role = Role.TENANT_ADMIN
    agent.save()
    with window(viewport={"width": width, "height": 980}, reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        page = driver.page
        driver.enter(agent)
        page.goto(f"{server}/")
        page.get_by_role("button", name="account and settings").click()
        page.get_by_role("link", name="Webhooks").click()
        driver.check_access()
        page.get_by_label("Address").fill(receiver.url("/browser"))
        page.get_by_label("Description").fill("CRM")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator(".secret")).to_contain_text("whsec_")
        driver.check_access(".secret")

        page.get_by_role("button", name="Send a test").click()
        with HttpWebhookClient(HERE) as postman:
            until(lambda: Deliverer(["default"], client=postman).run(seconds=PATIENCE))

        # The page looks for the response by itself.
        expect(page.get_by_text("Delivered")).to_be_visible()
        page.get_by_text("1", exact=True).click()
        expect(page.get_by_text("thank you")).to_be_visible()
        driver.check_access()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.get_by_role("link", name="All webhooks").click()
        expect(page.get_by_role("link", name=receiver.url("/browser"))).to_be_visible()
    assert driver.faults == []
