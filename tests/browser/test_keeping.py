"""Text typed into a question that another user removes: it stays on the page until the user decides about it."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from tests.harness.cut_line import Line
from tests.harness.form_driver import Driver

pytestmark = pytest.mark.browser


@pytest.fixture
def row(driver: Driver, other: Driver, copy_id: UUID) -> str:
    """Return the path of a location that both pages show."""
    driver.open(copy_id)
    other.open(copy_id)
    other.is_online()
    driver.answer("mqs_lobs", ["bop"])
    path = driver.page.locator("#rows-locations > .row").get_attribute("data-row")
    assert path
    expect(row_of(other, path)).to_be_visible()
    return path


def row_of(driver: Driver, path: str) -> Locator:
    return driver.page.locator(f"#r-{path.replace('/', '-')}")


def type_slowly(driver: Driver, path: str, text: str) -> Locator:
    """Type into the question at ``path``, without leaving it; return its field."""
    field = driver.page.locator(f'[data-path="{path}"]')
    field.locator("input").click()
    driver.page.keyboard.type(text, delay=20)
    return field


def remove(driver: Driver, path: str) -> None:
    driver.page.click(f'[data-remove="{path}"]')
    driver.saved()


def is_kept(field: Locator, said: str, text: str) -> None:
    expect(field.locator(".conflict")).to_contain_text(said)
    expect(field.locator("input")).to_have_value(text)
    expect(field.locator("input")).to_be_focused()


def test_a_row_removed_during_typing_can_be_restored(driver: Driver, other: Driver, row: str) -> None:
    driver.answer(f"{row}/mqs_loc_state", "TX")
    field = type_slowly(other, f"{row}/mqs_loc_city", "San An")
    before = field.bounding_box()
    remove(driver, row)

    is_kept(field, "Ona Owner removed this row. Your answer is not saved yet.", "San An")
    assert field.bounding_box()["y"] == pytest.approx(before["y"], abs=1)  # type: ignore[index]
    kept = "Your text for City is kept. Choose below the field what to do with it."
    expect(other.page.locator("#live")).to_contain_text(kept)
    other.check_in_every_look("removed-row", at=".conflict")
    other.page.keyboard.type("tonio", delay=20)
    other.page.keyboard.press("Tab")
    expect(field.get_by_role("button", name="Put the row back")).to_be_focused()
    expect(row_of(driver, row)).to_have_count(0)
    other.page.keyboard.press("Enter")

    other.saved()
    expect(row_of(driver, row).locator("[name$=mqs_loc_city]")).to_have_value("San Antonio")
    expect(row_of(driver, row).locator("[name$=mqs_loc_state]")).to_have_value("Texas")
    expect(field.locator("input")).to_have_value("San Antonio")
    expect(other.page.locator(".conflict, [data-gone], #main [inert]")).to_have_count(0)


def test_kept_text_is_copied_and_discarded(driver: Driver, other: Driver, row: str) -> None:
    other.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    field = type_slowly(other, f"{row}/mqs_loc_city", "Dallas")
    remove(driver, row)

    field.get_by_role("button", name="Copy it").click()
    expect(field.get_by_role("button", name="Copied")).to_be_visible()
    assert other.page.evaluate("navigator.clipboard.readText()") == "Dallas"
    field.get_by_role("button", name="Discard it").click()

    expect(row_of(other, row)).to_have_count(0)
    expect(other.page.locator('[data-add="locations"]')).to_be_focused()
    other.saved()
    expect(row_of(driver, row)).to_have_count(0)


def test_a_hidden_question_keeps_typed_text(driver: Driver, other: Driver, copy_id: UUID) -> None:
    driver.open(copy_id)
    other.open(copy_id)
    other.is_online()
    driver.answer("mqs_lobs", ["bop"])
    field = type_slowly(other, "mqs_payroll_total", "120000")
    driver.answer("mqs_lobs", ["wc"])

    is_kept(field, "Ona Owner changed another answer: this question is no longer asked.", "120000")
    other.check_in_every_look("hidden-question", at=".conflict")
    # Leaving the field is not a decision.
    other.page.locator("#insured").click()
    expect(field.locator(".conflict")).to_be_visible()
    field.get_by_role("button", name="Save it for later").click()
    expect(field).to_have_count(0)
    other.saved()

    driver.page.locator('#f-mqs_lobs input[value="wc"]').uncheck()
    driver.saved()
    expect(driver.page.locator("[name=mqs_payroll_total]")).to_have_value("120,000")
    expect(other.page.locator("[name=mqs_payroll_total]")).to_have_value("120,000")


@pytest.mark.slow
def test_a_hidden_set_keeps_typed_text(driver: Driver, other: Driver, row: str) -> None:
    field = type_slowly(other, f"{row}/mqs_loc_city", "Austin")
    driver.page.locator('#f-mqs_lobs input[value="bop"]').uncheck()
    driver.saved()

    is_kept(field, "Ona Owner changed another answer: this question is no longer asked.", "Austin")
    other.page.keyboard.press("Escape")
    expect(other.page.locator("#s-qs_locations")).to_be_hidden()
    expect(other.page.locator("[data-gone]")).to_have_count(0)
    driver.answer("mqs_lobs", ["bop"])
    expect(field.locator("input")).to_have_value("")


def test_unsent_text_is_kept_too(driver: Driver, other: Driver, row: str, line: Line) -> None:
    line.cut()
    field = type_slowly(other, f"{row}/mqs_loc_city", "Waco")
    other.page.keyboard.press("Enter")
    remove(driver, row)
    line.repair()

    expect(field.locator(".conflict")).to_contain_text("Ona Owner removed this row.", timeout=40_000)
    expect(field.locator("input")).to_have_value("Waco")
    field.get_by_role("button", name="Put the row back").click()
    expect(row_of(driver, row).locator("[name$=mqs_loc_city]")).to_have_value("Waco")
    other.saved()
    other.faults.clear()


@pytest.mark.slow
def test_text_in_a_row_that_the_user_removes_is_not_kept(other: Driver, row: str) -> None:
    type_slowly(other, f"{row}/mqs_loc_zip", "1")
    other.page.keyboard.press("Enter")
    expect(other.page.locator("#saved")).to_contain_text("Not saved: 1 answer needs fixing")

    remove(other, row)

    expect(row_of(other, row)).to_have_count(0)
    expect(other.page.locator(".conflict")).to_have_count(0)
