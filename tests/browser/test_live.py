"""Two users of one form, in two real browsers: each sees the other's changes, and a lost connection loses nothing."""

from __future__ import annotations

import contextlib
import time
from typing import Final
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.sessions.backends.cached_db import SessionStore
from django.db import connection
from django_redis import get_redis_connection
from playwright.sync_api import Browser, expect
from playwright.sync_api import Error as PlaywrightError

from batch import service as batch
from catalogue.models import Catalogue, Release
from copies.models import CopyRevision
from tenants.current_tenant import use_tenant
from tenants.models import CompanySignIn, Tenant, User
from tests.harness.cast import NEWER_DEMO_RELEASE, PASSWORD
from tests.harness.cut_line import Line
from tests.harness.form_driver import Driver
from tests.harness.socket_client import save
from tests.harness.tiers import amount, within
from tests.harness.web_servers import serve

pytestmark = pytest.mark.browser

#: Two answers to one question: mine, the button that is pressed, what stays. Going back online takes the other's too.
CHOICES: Final = (("Dallas", "Keep mine", "Dallas"), ("Waco", "Take theirs", "El Paso"))[: amount(1, full=2)]

CHECK_DUE: Final = 4419
#: Notes the codes with which the server closes the page's sockets.
NOTE_CLOSES: Final = """{
    const { WebSocket } = window;
    window.closeCodes = [];
    window.WebSocket = class extends WebSocket {
        constructor(...options) {
            super(...options);
            this.addEventListener("close", ({ code }) => window.closeCodes.push(code));
        }
    };
}"""


def test_a_change_is_seen_within_a_second_and_people_come_and_go(driver: Driver, other: Driver, copy_id: UUID) -> None:
    driver.open(copy_id)
    other.open(copy_id)
    expect(driver.page.locator("#people")).to_contain_text("Max Member")
    expect(other.page.locator("#people")).to_contain_text("Ona Owner")

    other.page.locator("[name=mqs_mail_city]").focus()
    expect(driver.page.locator("#f-mqs_mail_city .here")).to_have_text("Max Member is here")
    driver.page.select_option("[name=mqs_legal_entity]", "sole_prop")
    driver.saved()
    saved_at = time.monotonic()
    expect(other.page.locator("[name=mqs_legal_entity]")).to_have_value("sole_prop")
    assert time.monotonic() - saved_at < within(5)
    expect(other.page.locator("#f-mqs_has_fein")).to_be_visible()
    expect(other.page.locator("#version")).to_contain_text("version 2")
    expect(other.page.locator("#live")).to_contain_text("Ona Owner changed 1 answer.")
    expect(driver.page.locator("#f-mqs_mail_city .here")).to_be_visible()
    driver.page.locator("[name=mqs_mail_zip]").focus()
    expect(other.page.locator("#f-mqs_mail_zip .here")).to_have_text("Ona Owner is here")
    other.check_in_every_look("presence", at=".here")

    other.page.goto(f"{other.server}/")
    expect(driver.page.locator("#people li")).to_have_count(0)
    expect(driver.page.locator(".here")).to_have_count(0)


@pytest.mark.parametrize("end", ["crash", pytest.param("close", marks=pytest.mark.slow)])
def test_a_closed_or_crashed_page_leaves_the_roster(driver: Driver, other: Driver, copy_id: UUID, end: str) -> None:
    driver.open(copy_id)
    other.open(copy_id)
    other.page.locator("[name=mqs_mail_city]").focus()
    expect(driver.page.locator("#f-mqs_mail_city .here")).to_be_visible()

    if end == "close":
        other.page.close()
    else:
        with contextlib.suppress(PlaywrightError):
            other.page.goto("chrome://crash")

    expect(driver.page.locator("#people li")).to_have_count(0)
    expect(driver.page.locator(".here")).to_have_count(0)
    expect(driver.page.locator("#live")).to_contain_text("Max Member has left.")


def test_typing_goes_on_while_thirty_changes_of_others_come_in(
    driver: Driver, harbor: Tenant, agent: User, copy_id: UUID
) -> None:
    actor = agent.as_actor(source="api")
    save(harbor, actor, copy_id, {"mqs_lobs": ["gl"]})
    driver.open(copy_id)
    driver.is_online()
    field = driver.page.locator("[name=mqs_annual_revenue]")
    field.click()
    field.evaluate("(input) => { window.left = 0; input.addEventListener('blur', () => { window.left += 1; }); }")
    stood = field.bounding_box()
    text = "1,250,000 and what else I type"[: amount(11, full=30)]
    for number, letter in enumerate(text):
        driver.page.keyboard.type(letter)
        # Above the field, questions appear and disappear, and answers change.
        entity = ("sole_prop", "llc")[number % 2]
        save(harbor, actor, copy_id, {"mqs_legal_entity": entity, "mqs_mail_city": f"City {number}"})

    expect(driver.page.locator("#version")).to_contain_text(f"version {2 + len(text)}")
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value(f"City {len(text) - 1}")
    expect(field).to_have_value(text)
    expect(field).to_be_focused()
    assert field.evaluate("(input) => [input.selectionStart, window.left]") == [len(text), 0]
    assert field.bounding_box() == pytest.approx(stood, abs=1)
    expect(driver.page.locator("#live")).to_contain_text("Ona Owner changed")


def test_posted_messages_appear_at_once_and_typed_text_stays(driver: Driver, other: Driver, copy_id: UUID) -> None:
    driver.open(copy_id)
    other.open(copy_id)
    other.is_online()
    other.page.locator("#message-text").fill("Still thinking")

    driver.page.locator("#message-text").fill("His number is 987-65-4321")
    driver.page.get_by_role("button", name="Post", exact=True).click()
    expect(driver.page.locator("#saved")).to_contain_text("looks like a Social Security")
    expect(driver.page.locator("#message-text")).to_have_value("His number is 987-65-4321")
    driver.page.locator("#message-text").fill("Call the owner")
    driver.page.locator("#message-text").press("Control+Enter")

    expect(driver.page.locator("#message-text")).to_have_value("")
    expect(driver.page.locator("#posted li")).to_have_count(1)
    expect(other.page.locator("#posted li")).to_contain_text("Call the owner")
    expect(other.page.locator("#posted li")).to_contain_text("Ona Owner")
    expect(other.page.locator("#message-text")).to_have_value("Still thinking")
    driver.saved()
    driver.check_access(".posted")
    other.check_access(".posted")

    other.page.get_by_role("button", name="Dismiss").click()
    expect(driver.page.locator("#posted li")).to_have_count(0)
    expect(other.page.locator("#posted li")).to_have_count(0)
    expect(other.page.locator("#message-text")).to_have_value("Still thinking")


def test_two_answers_to_one_question_are_shown_to_choose_from(driver: Driver, other: Driver, copy_id: UUID) -> None:
    driver.open(copy_id)
    other.open(copy_id)
    other.is_online()
    for mine, choice, stands in CHOICES:
        field = other.page.locator("#f-mqs_mail_city")
        field.locator("input").click()
        field.locator("input").fill(mine)
        theirs = "Austin" if choice == "Keep mine" else "El Paso"
        driver.answer("mqs_mail_city", theirs)

        expect(field.locator(".conflict")).to_contain_text(f"Ona Owner answered {theirs}")
        expect(field.locator(".conflict")).to_contain_text(f"You answered {mine}")
        expect(field.locator("input")).to_have_value(mine)
        expect(field.locator("input")).to_be_focused()
        expect(other.page.locator("#live")).to_have_text(
            f"Ona Owner answered Mailing city while you did: {theirs}. Your answer is kept. Choose one below the field."
        )
        expect(other.page.locator("#saved")).to_have_text("Not saved: choose an answer")
        if choice == "Keep mine":
            other.check_in_every_look("conflict", at=".conflict")
        # To leave the field is no choice.
        other.page.locator("#insured").click()
        expect(field.locator(".conflict")).to_be_visible()
        field.locator("input").focus()
        other.page.keyboard.press("Tab")
        expect(field.get_by_role("button", name="Keep mine")).to_be_focused()
        if choice == "Take theirs":
            other.page.keyboard.press("Tab")
        other.page.keyboard.press("Enter")

        expect(field.locator(".conflict")).to_have_count(0)
        expect(field.locator("input")).to_have_value(stands)
        expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value(stands)
        other.saved()


def test_being_cut_off_for_ten_seconds_loses_nothing(driver: Driver, other: Driver, copy_id: UUID, line: Line) -> None:
    driver.open(copy_id)
    other.open(copy_id)
    other.is_online()

    line.cut()
    cut_at = time.monotonic()
    other.page.fill("[name=mqs_mail_zip]", "78701")
    other.page.keyboard.press("Enter")
    other.page.fill("[name=mqs_mail_city]", "Dallas")
    other.page.keyboard.press("Enter")
    driver.answer("mqs_business_name", "Copper Kettle")
    driver.answer("mqs_mail_city", "Austin")
    expect(other.page.locator("#banner")).to_contain_text("You are offline")
    other.check_in_every_look("offline", at="#banner")
    other.page.wait_for_timeout(max(0, amount(0, full=10_000) - (time.monotonic() - cut_at) * 1_000))
    line.repair()

    expect(other.page.locator("#banner")).to_be_empty(timeout=90_000)
    expect(other.page.locator("#insured")).to_have_text("Copper Kettle")
    expect(other.page.locator("#f-mqs_mail_city .conflict")).to_contain_text(
        "Ona Owner answered Austin", timeout=90_000
    )
    expect(driver.page.locator("[name=mqs_mail_zip]")).to_have_value("78701")
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Austin")
    other.page.get_by_role("button", name="Take theirs").click()
    other.saved()
    expect(other.page.locator("[name=mqs_mail_city]")).to_have_value("Austin")
    # The lost requests are on the browser's console, as they should be.
    other.faults.clear()


@pytest.mark.slow
def test_a_restart_of_the_server_loses_nothing(agent: User, copy_id: UUID, browser: Browser, line: Line) -> None:
    with browser.new_context(reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), f"http://127.0.0.1:{line.port}")
        with serve() as line.to:
            driver.sign_in(agent.email, PASSWORD)
            driver.open(copy_id)
            driver.is_online()
        driver.page.fill("[name=mqs_mail_zip]", "78701")
        driver.page.keyboard.press("Enter")
        driver.page.locator("[name=mqs_mail_city]").click()
        driver.page.keyboard.type("Dal")
        expect(driver.page.locator("#banner")).to_contain_text("You are offline")

        with serve() as line.to:
            expect(driver.page.locator("#banner")).to_be_empty(timeout=90_000)
            driver.page.keyboard.type("las")
            driver.page.keyboard.press("Enter")
            driver.saved()
            driver.page.reload()
            expect(driver.page.locator("[name=mqs_mail_zip]")).to_have_value("78701")
            expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Dallas")


def test_a_session_that_ends_in_another_tab_keeps_what_is_typed(driver: Driver, agent: User, copy_id: UUID) -> None:
    driver.open(copy_id)
    driver.is_online()
    driver.page.locator("[name=mqs_mail_city]").click()
    driver.page.keyboard.type("Dal")
    tab = Driver(driver.page.context.new_page(), driver.server)
    tab.page.goto(driver.server)
    tab.page.get_by_role("button", name="account and settings").click()
    tab.page.get_by_role("button", name="Sign out").click()

    expect(driver.page.locator("#banner")).to_contain_text("You are signed out. What you typed is still here.")
    expect(driver.page.get_by_role("link", name="Sign in using another tab")).to_have_attribute("target", "_blank")
    driver.page.keyboard.type("las")
    driver.page.keyboard.press("Enter")
    expect(driver.page.locator("#saved")).to_contain_text("Not saved: you are signed out")

    tab.sign_in(agent.email, PASSWORD)
    expect(driver.page.locator("#banner")).to_be_empty()
    driver.saved()
    driver.page.reload()
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Dallas")
    # The browser's console shows the refused requests, as expected.
    driver.faults.clear()


def test_another_account_in_the_same_browser_saves_nothing_of_the_page(
    driver: Driver, harbor: Tenant, agent: User, member: User, copy_id: UUID
) -> None:
    driver.open(copy_id)
    driver.is_online()
    driver.page.locator("[name=mqs_mail_city]").click()
    driver.page.keyboard.type("Dal")
    tab = Driver(driver.page.context.new_page(), driver.server)
    tab.enter(member)

    driver.page.keyboard.type("las")
    driver.page.keyboard.press("Enter")
    expect(driver.page.locator("#banner")).to_contain_text("Another account is signed in in this browser.")
    expect(driver.page.locator("#saved")).to_contain_text("Not saved: another account is signed in")
    with use_tenant(harbor):
        assert not CopyRevision.objects.filter(copy_id=copy_id, actor_id=str(member.pk)).exists()

    tab.enter(agent)
    expect(driver.page.locator("#banner")).to_be_empty(timeout=20_000)
    driver.saved()
    driver.page.reload()
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Dallas")
    # The browser's console shows the refused requests and handshakes, as expected.
    driver.forget("HTTP Authentication failed")
    driver.faults.clear()


def test_a_company_session_that_is_not_confirmed_keeps_what_is_typed(
    driver: Driver, harbor: Tenant, agent: User, copy_id: UUID
) -> None:
    """The server closes the socket for want of a check; the request that the page makes then ends the session."""
    CompanySignIn.objects.create(
        tenant=harbor, issuer="https://login.example.com", client_id="x", mail_domains=[], is_enabled=True
    )
    driver.page.add_init_script(NOTE_CLOSES)
    driver.open(copy_id)
    driver.is_online()
    driver.page.locator("[name=mqs_mail_city]").click()
    driver.page.keyboard.type("Dal")
    [cookie] = [one for one in driver.page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME]
    session = SessionStore(cookie["value"])
    session["company_check"] = {"confirmed": time.time(), "at": time.time() - 3_600}
    session.save()
    # The server has the session in its own cache.
    redis = get_redis_connection("default")
    redis.delete(*redis.scan_iter(match=f"*{cookie['value']}", count=10_000))

    expect(driver.page.locator("#banner")).to_contain_text("You are signed out. What you typed is still here.")
    assert driver.page.evaluate("closeCodes[0]") == CHECK_DUE
    driver.page.keyboard.type("las")
    driver.page.keyboard.press("Enter")
    expect(driver.page.locator("#saved")).to_contain_text("Not saved: you are signed out")
    with driver.page.context.expect_page() as opened:
        driver.page.get_by_role("link", name="Sign in using another tab").click()
    tab = Driver(opened.value, driver.server)
    expect(tab.page.get_by_label("Email")).to_be_visible()
    tab.sign_in(agent.email, PASSWORD)
    expect(driver.page.locator("#banner")).to_be_empty()
    driver.saved()
    driver.page.reload()
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Dallas")
    # The browser's console shows the refused requests and handshakes, as expected.
    driver.forget("HTTP Authentication failed")
    driver.faults.clear()


@pytest.mark.slow  # as those that come in while somebody types
def test_a_burst_of_saves_is_followed_to_the_last(driver: Driver, harbor: Tenant, agent: User, copy_id: UUID) -> None:
    driver.open(copy_id)
    driver.is_online()
    actor = agent.as_actor(source="api")
    for number in range(20):
        save(harbor, actor, copy_id, {"mqs_mail_city": f"City {number}"})

    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("City 19")
    expect(driver.page.locator("#version")).to_contain_text("version 21")


@pytest.mark.slow  # test_keeping.py needs rows of others too
def test_a_row_added_and_removed_elsewhere(driver: Driver, harbor: Tenant, agent: User, copy_id: UUID) -> None:
    driver.open(copy_id)
    driver.is_online()
    actor = agent.as_actor(source="api")
    with batch.find_and_lock(copy_id, scope=harbor, actor=actor) as context:
        context.changeset.apply_answers({"mqs_lobs": ["wc"]})
        context.save()
        row = context.changeset.find_pool("locations").add(answers={"mqs_loc_state": "TX"}).id
        context.save()

    expect(driver.page.locator(f"#r-locations-{row}")).to_be_visible(timeout=40_000)
    with batch.find_and_lock(copy_id, scope=harbor, actor=actor) as context:
        context.changeset.find_pool("locations").find_row(row).remove()
        context.save()
    expect(driver.page.locator(f"#r-locations-{row}")).to_have_count(0)


def test_a_new_release_and_the_end_of_a_session_are_shown(
    driver: Driver, demo: Release, agent: User, copy_id: UUID
) -> None:
    driver.open(copy_id)
    driver.is_online()
    catalogue = Catalogue.objects.get(pk=demo.catalogue_id)
    newer = Release.objects.create(
        id=NEWER_DEMO_RELEASE,
        catalogue=catalogue,
        number=2,
        content=bytes(demo.content),
        checksum="1",
        published_by_id="test",
    )
    # Written without publishing, so no process knows the release yet.
    get_redis_connection("default").delete(f"release:{connection.settings_dict['NAME']}:{catalogue.code}")
    expect(driver.page.locator("#banner")).to_contain_text("The questions of this form have changed")
    driver.page.get_by_role("button", name="Show them").click()
    expect(driver.page.locator("#form")).to_have_attribute("data-release", str(newer.id))
    expect(driver.page.locator("#banner")).to_be_empty()
    driver.is_online()

    agent.is_active = False
    agent.save()
    expect(driver.page.locator("#banner")).to_contain_text("You are signed out")
