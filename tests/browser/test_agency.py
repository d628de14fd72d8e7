"""The page of the agency's profile in a browser: an administrator uploads a logo, and it is shown."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from tenants.access import Role
from tenants.models import User
from tests.harness.chromium import Window
from tests.harness.form_driver import Driver

pytestmark = pytest.mark.browser

WIDTHS = (1440, 390)


def test_an_administrator_sets_the_profile(window: Window, server: str, agent: User) -> None:
    agent.role = Role.TENANT_ADMIN
    agent.save()
    picture = BytesIO()
    Image.new("RGB", (300, 100), "navy").save(picture, "PNG")
    with window(reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        page = driver.page
        driver.enter(agent)
        page.goto(f"{server}/settings/agency")
        page.get_by_label("Phone").fill("12")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#agency-phone-fault")).to_contain_text("Enter a US phone number")
        driver.check_access("#agency-phone-fault")
        page.get_by_label("Phone").fill("614-555-2368")
        logo = {"name": "logo.png", "mimeType": "image/png", "buffer": picture.getvalue()}
        page.locator("input[type=file]").set_input_files([logo])
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("The profile is saved.")
        expect(page.get_by_label("Phone")).to_have_value("(614) 555-2368")
        page.wait_for_function("() => document.querySelector('img.agency-logo').naturalWidth === 300")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            driver.check_access()
            assert page.evaluate("document.documentElement.scrollWidth") == width
            driver.photograph(f"agency-light-{width}")
        # The console shows the refused phone, as expected.
        driver.faults.clear()
