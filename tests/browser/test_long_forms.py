"""Long forms: orders for rows of a long pool and their keys, sets that are drawn when they are opened, and undo."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import pytest
from playwright.sync_api import expect

from batch import service as batch
from tenants.models import User
from tests.harness.form_driver import Driver
from tests.harness.long_catalogue import store_long_release

pytestmark = pytest.mark.browser

#: Marks all present fields, so that replaced ones can be counted.
MARK: Final = "() => document.querySelectorAll('.field').forEach((field) => { field.isOld = true; })"
REPLACED: Final = "(fields) => fields.filter((field) => !field.isOld).length"


@pytest.fixture
def owners(agent: User) -> UUID:
    """Return a form with twelve owners."""
    rows = [{"answers": {"mqs_own_name": f"Owner {number}"}} for number in range(1, 13)]
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web")) as context:
        context.changeset.apply_answers({}, {"owners": rows})
        context.save()
        return context.copy.id


def test_rows_of_a_long_pool_come_and_go_alone(driver: Driver, owners: UUID) -> None:
    page = driver.page
    driver.open(owners)
    rows = page.locator("#rows-owners > .row")
    page.evaluate(MARK)

    page.click('[data-add="owners"]')
    expect(rows).to_have_count(13)
    expect(rows.nth(12).locator('[data-path$="mqs_own_name"] input')).to_be_focused()
    page.keyboard.type("Owner 13")
    page.click('[data-add="owners"]')
    expect(rows).to_have_count(14)
    expect(rows.nth(12).locator("h3")).to_have_text("13 · Owner 13")
    expect(rows.nth(12)).not_to_have_attribute("data-open", "")
    outside = page.locator(".field:not(.row .field):not(.pool-foot)")
    assert outside.evaluate_all(REPLACED) == 0

    rows.nth(2).get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(13)
    expect(rows.nth(2).locator("h3")).to_have_text("3 · Owner 4")
    expect(rows.nth(2).get_by_role("button", name="Remove")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(14)
    expect(rows.nth(2).locator("h3")).to_have_text("3 · Owner 3")
    expect(rows.nth(3).locator("h3")).to_have_text("4 · Owner 4")
    expect(rows.nth(13).locator("h3")).to_contain_text("14 · ")


def test_saves_are_undone_and_rows_have_keys(driver: Driver, owners: UUID) -> None:
    page = driver.page
    driver.open(owners)
    rows = page.locator("#rows-owners > .row")
    name = page.locator("#i-mqs_business_name")
    driver.answer("mqs_business_name", "Ada")
    driver.answer("mqs_business_name", "Ben")

    page.keyboard.press("Control+z")
    expect(name).to_have_value("Ada")
    expect(page.locator("#toast")).to_contain_text("Undone:")
    page.keyboard.press("Control+Shift+z")
    expect(name).to_have_value("Ben")
    name.fill("Benedict")
    page.keyboard.press("Control+z")
    expect(name).not_to_have_value("Benedict")  # the browser's own undo
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(name).not_to_be_focused()
    expect(name).to_have_value("Ben")

    rows.nth(1).locator(".fold").focus()
    page.keyboard.press("ArrowRight")
    expect(rows.nth(1).locator("[data-duplicate]")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(11)
    driver.saved()
    page.keyboard.press("Tab")
    expect(rows.nth(2).locator(".fold")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(rows).to_have_count(12)
    driver.saved()
    page.keyboard.press("Alt+a")
    expect(rows).to_have_count(13)
    expect(rows.nth(12).locator('[data-path$="mqs_own_name"] input')).to_be_focused()


def test_sets_of_a_long_form_are_drawn_when_they_are_opened(driver: Driver, agent: User) -> None:
    assert agent.tenant is not None
    store_long_release()
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), catalogue="long") as context:
        context.save()
        copy_id = context.copy.id
    page = driver.page
    driver.open(copy_id)
    expect(page.locator(".set[data-undrawn]")).to_have_count(49)

    page.click('.sets [data-set="part7"]')
    expect(page.locator("#f-q7_0 input").first).to_be_focused()
    driver.answer("q7_3", "Ada")
    page.click('[data-open-set="part9"]')
    expect(page.locator("#f-q9_0 input").first).to_be_focused()
    expect(page.locator("#i-q7_3")).to_have_value("Ada")
    expect(page.locator(".set[data-undrawn]")).to_have_count(47)
    page.goto(f"{driver.server}/forms/{copy_id}#f-q30_3")
    page.reload()
    expect(page.locator("#i-q30_3")).to_be_in_viewport()


@pytest.mark.slow
def test_an_address_leads_into_closed_rows_and_undrawn_sets(driver: Driver, owners: UUID, agent: User) -> None:
    page = driver.page
    driver.open(owners)
    last = page.locator("#rows-owners > .row").last
    expect(last).not_to_have_attribute("data-open", "")
    path = last.get_attribute("data-row")
    assert path
    question = f"#f-{path.replace('/', '-')}-mqs_own_name"

    page.goto(f"{driver.server}/forms/{owners}{question}")
    expect(page.locator(f"{question} input")).to_be_focused()
    expect(page.locator(f"{question} input")).to_have_value("Owner 12")
    # The same page, at another address.
    page.evaluate("() => { location.hash = '#q-mqs_business_name'; }")
    expect(page.locator("#i-mqs_business_name")).to_be_focused()

    store_long_release()
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), catalogue="long") as context:
        context.save()
        copy_id = context.copy.id
    page.goto(f"{driver.server}/forms/{copy_id}#q-q30_3")
    expect(page.locator("#i-q30_3")).to_be_focused()
    page.goto(f"{driver.server}/forms/{copy_id}#s-part20")
    expect(page.locator("#f-q20_0 input").first).to_be_focused()


def test_there_is_one_way_back(driver: Driver, owners: UUID) -> None:
    page, toast = driver.page, driver.page.locator("#toast")
    driver.open(owners)
    rows, name = page.locator("#rows-owners > .row"), page.locator("#i-mqs_business_name")
    driver.answer("mqs_business_name", "Ada")
    rows.nth(2).get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(11)
    driver.answer("mqs_business_name", "Ben")

    # The message undoes its own save, whatever was saved since; the keys go on from there.
    toast.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(12)
    expect(rows.nth(2).locator("h3")).to_contain_text("Owner 3")
    expect(name).to_have_value("Ben")
    page.keyboard.press("Control+y")
    expect(rows).to_have_count(11)
    page.keyboard.press("Control+z")
    expect(rows).to_have_count(12)
    # From inside of a field, whose text stays.
    city = page.locator("#i-mqs_mail_city")
    city.click()
    page.keyboard.type("Wac")
    page.keyboard.press("Alt+z")
    expect(name).to_have_value("Ada")
    page.keyboard.type("o")
    expect(city).to_have_value("Waco")
    page.keyboard.press("Enter")
    driver.saved()


def test_rows_of_a_spreadsheet_are_pasted(driver: Driver, owners: UUID) -> None:
    page = driver.page
    driver.open(owners)
    rows = page.locator("#rows-owners > .row")

    page.click('[data-paste-rows="owners"]')
    page.fill("#paste-text", "Name\tTitle\tOwnership percent\nAda\towner\t10\nBen\tno such title\tabc\n")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#column-1")).to_have_value("mqs_own_title")
    expect(page.locator("#paste")).to_contain_text("This is not one of the choices.")
    driver.check_access("#paste")
    driver.photograph("paste-rows-light-1440")
    page.select_option("#column-1", "")
    expect(page.locator("[data-save-pasted]")).to_have_text("Add 2 rows, 1 cell left empty")
    page.click("[data-save-pasted]")
    expect(rows).to_have_count(14)
    expect(rows.nth(13).locator("h3")).to_have_text("14 · Ben")
    expect(page.locator("#toast")).to_contain_text("Added 2 rows")

    page.locator("#toast [data-undo-save]").click()
    expect(rows).to_have_count(12)
