"""An agent's work on a form: from an empty form to decided products, by mouse and by keys."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import expect

from batch import service as batch
from catalogue.demo import Sample, read_samples
from forms.models import NaicsSearch
from tenants.current_tenant import use_tenant
from tenants.models import User
from tests.harness.cast import PASSWORD
from tests.harness.chromium import Window
from tests.harness.form_driver import LOOKS, Driver
from tests.harness.tiers import amount

pytestmark = pytest.mark.browser


def sample(identity: str) -> Sample:
    return next(found for found in read_samples() if found.id == identity)


def start(agent: User, of: Sample, *, answered: bool = False) -> UUID:
    """Make a form as of the sample's date: empty, or with all its answers."""
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), as_of=of.as_of) as context:
        if answered:
            context.changeset.apply_answers(of.answers, of.answer_pools)
        context.save()
        return context.copy.id


@pytest.mark.slow  # test_main_job.py goes the same way by keys
def test_restaurant_is_filled_in_to_its_outcome_and_stays(driver: Driver, agent: User) -> None:
    s1 = sample("S1")
    driver.open(start(agent, s1))

    driver.fill_in("", s1.answers)
    driver.fill_in_rows("", s1.answer_pools)
    driver.fill_in("", s1.answers)

    expected = {
        code: ("Locked", "") if outcome.outcome == "locked" else ("Eligible", f"${outcome.premium:,}")
        for code, outcome in s1.expect.items()
    }
    assert driver.products() == expected
    driver.page.reload()
    assert driver.products() == expected
    assert driver.page.locator("[name=mqs_annual_revenue]").input_value() == "1,250,000"
    assert driver.page.locator("[name=mqs_fein]").input_value() == ""


def test_keys_commit_undo_and_go_places(driver: Driver, agent: User) -> None:
    page = driver.page
    driver.open(start(agent, sample("S1")))
    name = page.locator("[name=mqs_business_name]")

    name.fill("Copper Kettle")
    name.press("Enter")
    driver.saved()
    expect(name).to_be_focused()
    expect(page.locator("#insured")).to_have_text("Copper Kettle")

    name.fill("Something else")
    name.press("Escape")
    expect(name).to_have_value("Copper Kettle")

    page.locator("#insured").click()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.locator("#insured").click()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page.locator("[name=mqs_legal_entity]")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("#insured").click()
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url(f"{driver.server}/")


@pytest.mark.slow  # test_fingertips.py refuses more
def test_refused_answer_stays_in_the_field_with_its_reason(driver: Driver, agent: User) -> None:
    page = driver.page
    driver.open(start(agent, sample("S1")))
    zip_code = page.locator("[name=mqs_mail_zip]")

    zip_code.fill("abc")
    zip_code.press("Tab")

    expect(page.locator("#saved")).to_have_text("Not saved: 1 answer needs fixing")
    expect(page.locator("#n-mqs_mail_zip")).to_contain_text("Not saved:")
    expect(zip_code).to_have_attribute("aria-invalid", "true")
    driver.page.locator("[name=mqs_mail_city]").fill("Austin")
    driver.page.locator("[name=mqs_mail_city]").press("Enter")
    expect(page.locator("#version")).to_contain_text("version 2")
    expect(zip_code).to_have_value("abc")
    driver.answer("mqs_mail_zip", "78701")
    expect(page.locator("#version")).to_contain_text("version 3")


def test_text_being_typed_survives_the_save_of_another_field(driver: Driver, agent: User) -> None:
    page = driver.page
    driver.open(start(agent, sample("S1")))
    # The first save is delayed until the second field is half typed.
    page.route("**/answers", lambda route: (page.locator("[name=mqs_mail_city]").fill("Aus"), route.continue_())[1])

    page.select_option("[name=mqs_legal_entity]", "sole_prop")

    expect(page.locator("#f-mqs_has_fein")).to_be_visible()
    expect(page.locator("[name=mqs_mail_city]")).to_have_value("Aus")
    expect(page.locator("[name=mqs_mail_city]")).to_be_focused()
    page.unroute("**/answers")
    page.keyboard.type("tin")
    page.keyboard.press("Enter")
    expect(page.locator("#version")).to_contain_text("version 3")
    expect(page.locator("[name=mqs_mail_city]")).to_have_value("Austin")


def test_a_lost_connection_is_shown_and_its_changes_are_sent_later(driver: Driver, agent: User) -> None:
    page = driver.page
    driver.open(start(agent, sample("S1")))
    page.route("**/answers", lambda route: route.abort())
    page.fill("[name=mqs_business_name]", "Copper Kettle")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("the connection was lost")

    page.unroute("**/answers")
    page.locator("#saved button").click()

    driver.saved()
    expect(page.locator("#version")).to_contain_text("version 2")
    # The browser's console shows the lost requests, as expected.
    driver.faults.clear()


def test_rows_are_duplicated_removed_and_put_back(driver: Driver, agent: User) -> None:
    page = driver.page
    driver.open(start(agent, sample("S1"), answered=True))
    rows = page.locator("#rows-wc_classes > .row")
    expect(rows).to_have_count(2)

    rows.nth(0).get_by_role("button", name="Duplicate").click()
    expect(rows).to_have_count(3)
    rows.nth(0).get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(0).locator("h3")).to_have_text("1 · Texas, Clerical office")
    page.get_by_role("button", name="Undo").click()

    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator("h3")).to_have_text("1 · Texas, Restaurant")


@pytest.mark.slow  # by keys in test_fingertips.py and test_new_form.py
def test_an_industry_is_found_chosen_and_remembered(driver: Driver, agent: User) -> None:
    driver.open(start(agent, sample("S1")))
    field = driver.page.locator("#f-mqs_naics")
    field.locator("input").click()
    driver.page.keyboard.type("coffee shop", delay=20)
    expect(field.get_by_role("option").first).to_be_visible()
    driver.page.keyboard.press("Enter")
    driver.saved()

    expect(field.locator("input")).to_have_value(re.compile(r"^722515 "))
    assert agent.tenant is not None
    with use_tenant(agent.tenant):
        assert list(NaicsSearch.objects.values_list("query", "chosen")) == [("coffee shop", "722515")]


def test_why_opens_in_place_and_follows_the_answers(driver: Driver, agent: User) -> None:
    page = driver.page
    driver.open(start(agent, sample("S1"), answered=True))

    page.locator("[data-why=QM-BOP]").click()
    expect(page.locator("#why-QM-BOP")).to_contain_text("is open")
    driver.answer("mqs_gl_liquor_pct", "35")

    expect(page.locator("#why-QM-BOP")).to_contain_text("Alcohol over 30 percent of sales")
    expect(page.locator("#product-QM-BOP .badge")).to_have_text("Declined")
    expect(page.locator("#live")).to_contain_text("Quillmark Mutual Business owners: declined, was $2,451.")


@pytest.mark.parametrize(
    ("scheme", "width", "height"), [LOOKS[0], *(pytest.param(*look, marks=pytest.mark.slow) for look in LOOKS[1:])]
)
def test_pages_are_accessible_at_every_width_and_in_both_themes(
    window: Window, server: str, agent: User, scheme: str, width: int, height: int
) -> None:
    filled, empty = start(agent, sample("S7"), answered=True), start(agent, sample("S1"))
    forms = [(empty, "new-form"), (filled, "form"), (start(agent, sample("S11"), answered=True), "one-answer-left")]
    size = {"width": width, "height": height}
    with window(viewport=size, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        name = f"{scheme}-{width}"
        driver.page.goto(f"{server}/sign-in")
        driver.check_access()
        driver.photograph(f"sign-in-{name}")
        driver.sign_in(agent.email, PASSWORD)
        driver.check_access()
        for copy_id, page_name in forms[amount(1, full=0) :]:
            driver.open(copy_id)
            driver.check_access()
            driver.photograph(f"{page_name}-{name}")
        if width == 390:
            assert driver.page.evaluate("document.documentElement.scrollWidth") == 390
            driver.page.click(".drawer-button")
            driver.check_access()
            driver.photograph(f"products-{name}")
            driver.page.click(".drawer-button")
        driver.page.locator("[data-why=TT-WC]").evaluate("button => button.click()")
        expect(driver.page.locator("#why-TT-WC")).to_contain_text("is open")
        driver.check_access("#why-TT-WC")
        driver.page.goto(f"{server}/forms/{filled}/history")
        driver.check_access()
        driver.photograph(f"history-{name}")
        driver.page.goto(f"{server}/nowhere")
        driver.check_access()
    assert driver.faults == []
