"""Long forms: orders for rows of a long pool, and what they do to the rest of the page."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import pytest
from playwright.sync_api import expect

from batch import service as batch
from tenants.models import User
from tests.harness.form_driver import Driver

pytestmark = pytest.mark.browser

#: Marks all present fields, so that replaced ones can be counted.
MARK: Final = "() => document.querySelectorAll('.field').forEach((field) => { field.isOld = true; })"
REPLACED: Final = "(fields) => fields.filter((field) => !field.isOld).length"


@pytest.fixture
def owners(agent: User) -> UUID:
    """Return a form with eleven owners."""
    rows = [{"answers": {"mqs_own_name": f"Owner {number}"}} for number in range(1, 12)]
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
    expect(rows).to_have_count(12)
    expect(rows.nth(11).locator('[data-path$="mqs_own_name"] input')).to_be_focused()
    page.keyboard.type("Owner 12")
    page.click('[data-add="owners"]')
    expect(rows).to_have_count(13)
    expect(rows.nth(11).locator("h3")).to_have_text("12 · Owner 12")
    expect(rows.nth(11)).not_to_have_attribute("data-open", "")
    outside = page.locator(".field:not(.row .field):not(.pool-foot)")
    assert outside.evaluate_all(REPLACED) == 0

    rows.nth(2).get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(12)
    expect(rows.nth(2).locator("h3")).to_have_text("3 · Owner 4")
    expect(rows.nth(2).get_by_role("button", name="Remove")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(13)
    expect(rows.nth(2).locator("h3")).to_have_text("3 · Owner 3")
    expect(rows.nth(3).locator("h3")).to_have_text("4 · Owner 4")
    expect(rows.nth(12).locator("h3")).to_contain_text("13 · ")
