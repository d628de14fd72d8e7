"""The admin in a browser: axe finds nothing serious on its main pages; no file comes from other servers."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, expect

from carriers.models import CarrierProduct
from catalogue.loader import load
from catalogue.models import QuestionSet
from catalogue.releases import publish
from tenants.models import Tenant, User
from tests.harness.cast import PASSWORD
from tests.harness.chromium import DESK, Window
from tests.harness.form_driver import Driver
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.sensitive_kennel import start_kennel
from tests.harness.socket_client import session_of
from tests.harness.tiers import amount

pytestmark = pytest.mark.browser


def main_pages(harbor: Tenant, owner: User) -> list[str]:
    """Return the addresses of the pages that staff use most, with something on each."""
    catalogue = load(KENNELS)
    release = publish(catalogue, actor_id="test")
    kennel = start_kennel(harbor, owner)
    lists = ("forms_applicationform", "copies_copy", "catalogue_questionset", "actions_outboxaction", "tenants_user")
    rows = {
        "copies_copy_change": kennel,
        "forms_applicationform_change": kennel,
        "catalogue_questionset_change": QuestionSet.objects.get(code="houses").pk,
        "carriers_carrierproduct_change": CarrierProduct.objects.get(code="PA-CARE").pk,
        "catalogue_catalogue_change": catalogue.pk,
        "catalogue_catalogue_publish": catalogue.pk,
        "catalogue_release_change": release.pk,
    }
    pages = [
        reverse("admin:index"),
        reverse("admin:operation-charts"),
        reverse("admin:second-factor"),
        reverse("admin:tenants_apiclient_add"),
    ]
    pages += [reverse(f"admin:{name}_changelist") for name in lists]
    return pages + [reverse(f"admin:{view}", args=(pk,)) for view, pk in rows.items()]


def test_the_main_pages_are_accessible_and_need_nothing_from_elsewhere(
    window: Window, server: str, staff: User, harbor: Tenant, owner: User, password_hash: str
) -> None:
    User.objects.filter(pk=staff.pk).update(password=password_hash)
    faults: list[str] = []
    with window(viewport=DESK) as context:
        driver = Driver(context.new_page(), server)
        page = driver.page
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: faults.append(request.url) if not request.url.startswith(server) else None)
        page.goto(f"{server}/admin/")
        page.fill("[name=username]", staff.email)
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(f"{server}/admin/")
        for address in main_pages(harbor, owner)[:: amount(6, full=1)]:
            page.goto(server + address)
            page.wait_for_load_state("networkidle")
            faults += [f"{address} {fault}" for fault in driver.access_faults()]

    assert faults == []


@pytest.mark.slow
def test_the_theme_of_staff_follows_them_into_another_browser(browser: Browser, server: str, staff: User) -> None:
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session_of(staff), "url": server}
    with browser.new_context(color_scheme="light") as context:
        context.add_cookies([cookie])
        # A driver has the patience of browser tests.
        page = Driver(context.new_page(), server).page
        page.goto(f"{server}/admin/")
        expect(page.locator("html")).to_have_class("")
        # Unfold's own key: to the light theme and then to the dark one.
        for theme in ("light", "dark"):
            with page.expect_response("**/admin/theme/") as stored:
                page.keyboard.press("Control+e")
            assert stored.value.status == 204
            expect(page.locator("html")).to_have_class(theme)

    with browser.new_context(color_scheme="light") as context:
        context.add_cookies([cookie])
        page = Driver(context.new_page(), server).page
        page.goto(f"{server}/admin/")
        expect(page.locator("html")).to_have_class("dark")
