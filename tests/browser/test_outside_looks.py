"""The pages of people who are not signed in, and of guests and customers: axe and pictures in every look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Browser, expect

from catalogue.demo import Sample
from partner_engine.account_mails import send_due_mails
from tenants.models import Tenant, User
from tests.harness.cast import PASSWORD
from tests.harness.form_driver import Driver
from tests.harness.guests import issue, revoke
from tests.harness.quoted_forms import LOWERED, answer, submit
from tests.harness.socket_client import start

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Pages that a server in trouble sends; they are drawn here, because the trouble is not made.
ERRORS: Final = ("400", "403", "429", "500", "503")


@pytest.fixture
def visitor(browser: Browser, server: str) -> Iterator[Driver]:
    """Return somebody who is not signed in."""
    with browser.new_context(viewport={"width": 1440, "height": 980}, reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        yield driver
        context.close()
    assert driver.faults == []


def test_signing_in_in_every_look(visitor: Driver, agent: User) -> None:
    page = visitor.page
    page.goto(f"{visitor.server}/sign-in")
    page.fill("#id_username", agent.email)
    page.fill("#id_password", "wrong")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_be_visible()
    visitor.check_in_every_look("sign-in-refused")
    page.goto(f"{visitor.server}/password/forgot")
    visitor.check_in_every_look("password-forgotten")
    page.locator("input[type=email]").fill(agent.email)
    page.locator("button[type=submit]").click()
    expect(page.get_by_text("Check your email")).to_be_visible()
    visitor.check_in_every_look("password-mail-sent")
    send_due_mails("default")
    found = re.search(r"https?://[^/\s]+(/password/set/\S+)", mail.outbox[-1].body)
    assert found is not None
    page.goto(f"{visitor.server}{found[1]}")
    visitor.check_in_every_look("password-new")
    page.goto(f"{visitor.server}/password/set/MQ/no-token")
    visitor.check_in_every_look("password-link-over")

    TOTPDevice.objects.create(user=agent, confirmed=True)
    page.goto(f"{visitor.server}/sign-in")
    page.fill("#id_username", agent.email)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/sign-in/code*")
    page.fill("#code", "000000")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_be_visible()
    visitor.check_in_every_look("sign-in-code")
    visitor.faults.clear()


@pytest.mark.parametrize("status", ERRORS)
def test_pages_of_errors_in_every_look(visitor: Driver, status: str) -> None:
    page = visitor.page
    content = render_to_string(f"{status}.html", {"correlation_id": "0b5a-7c1d"})
    page.route("**/trouble", lambda route: route.fulfill(body=content, content_type="text/html"))

    page.goto(f"{visitor.server}/trouble")

    visitor.check_in_every_look(f"error-{status}")


def test_pages_of_guests_in_every_look(visitor: Driver, harbor: Tenant, agent: User, s1: Sample) -> None:
    page, actor = visitor.page, agent.as_actor(source="web")
    copy_id = start(harbor, actor, s1)
    link, secret = issue(harbor, copy_id, actor=actor, name="Gus Miller")
    page.goto(f"{visitor.server}/guest/{copy_id}#{secret}")
    expect(page.get_by_role("button", name="Open the application")).to_be_visible()
    visitor.check_in_every_look("guest-welcome")
    page.get_by_role("button", name="Open the application").click()
    page.wait_for_url("**/form")
    visitor.is_online()
    visitor.check_in_every_look("guest-form")
    revoke(harbor, copy_id, link)
    expect(page.locator("#banner")).to_contain_text("This link is no longer valid")
    visitor.check_in_every_look("guest-ended")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{visitor.server}/guest/{copy_id}")
    visitor.check_in_every_look("guest-link-over")
    visitor.faults.clear()  # the console shows the refused reload of the parts


def test_the_proposal_of_a_customer_in_every_look(driver: Driver, visitor: Driver, agent: User, s1: Sample) -> None:
    assert agent.tenant is not None
    actor, page = agent.as_actor(source="web"), driver.page
    copy_id = start(agent.tenant, actor, s1)
    by = {"scope": agent.tenant, "actor": actor}
    answer(copy_id, submit(copy_id, "QM-BOP", **by), premium=2451, changes=(LOWERED,), **by)  # type: ignore[arg-type]
    answer(copy_id, submit(copy_id, "TT-WC", **by), premium=5019, **by)  # type: ignore[arg-type]
    page.goto(f"{driver.server}/forms/{copy_id}/proposal")
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_label("Copy this address now").input_value()

    visitor.page.goto(address)
    expect(visitor.page.get_by_role("heading", name="Insurance proposal for")).to_be_visible()
    visitor.check_in_every_look("proposal-open")
    page.get_by_role("button", name="End the link").click()
    expect(page.get_by_text("It no longer opens the proposal.")).to_be_visible()
    visitor.page.reload()
    visitor.check_in_every_look("proposal-over")
