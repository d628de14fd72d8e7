"""Many open rows of a long pool: only those in view are laid out, and nothing of the others is lost."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import expect

from batch import service as batch
from tenants.models import User
from tests.harness.form_driver import Driver

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROWS: Final = 11
#: Whether the browser draws the first input of the row with this number.
DRAWN: Final = """(number) => document.querySelector(`#rows-locations > .row:nth-child(${number}) input`)
    .checkVisibility({ contentVisibilityAuto: true })"""
#: Opens the list of a field, and returns whether its last line is on top of what follows the row.
HANGS_OVER: Final = """(list) => {
    const { left, width, bottom } = list.getBoundingClientRect();
    const top = document.elementFromPoint(left + width / 2, bottom - 4);
    return bottom > list.closest(".row").getBoundingClientRect().bottom && list.contains(top);
}"""
#: Scrolls through the page; returns the heights it had on the way and the sum of the layout shifts.
HEIGHTS: Final = """async () => {
    let shifts = 0;
    const observer = new PerformanceObserver((list) => { for (const { value } of list.getEntries()) shifts += value; });
    observer.observe({ type: "layout-shift" });
    const heights = new Set();
    for (const share of [0, 0.25, 0.5, 0.75, 1, 0.5, 0]) {
        window.scrollTo({ top: share * document.documentElement.scrollHeight, behavior: "instant" });
        for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
        heights.add(document.documentElement.scrollHeight);
    }
    observer.disconnect();
    return { heights: [...heights], shifts };
}"""


def open_all(driver: Driver, agent: User) -> None:
    """Open a form with more than ten locations, and each of them."""
    rows = [{"answers": {"mqs_loc_street": f"{number} Pecan St"}} for number in range(1, ROWS + 1)]
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web")) as context:
        context.changeset.apply_answers({"mqs_lobs": ["bop"]}, {"locations": rows})
        context.save()
        copy_id = context.copy.id
    driver.open(copy_id)
    for number in range(1, ROWS + 1):
        row = driver.page.locator(f"#rows-locations > .row:nth-child({number})")
        row.locator("> .row-head .fold").click()
        expect(row).to_have_attribute("data-open", "")


def test_open_rows_out_of_view_lose_nothing(driver: Driver, agent: User) -> None:
    page = driver.page
    open_all(driver, agent)
    rows = page.locator("#rows-locations > .row")

    # Only what is in view is laid out, and the heights are those that the rows had.
    assert page.evaluate(HEIGHTS) == {"heights": [page.evaluate("document.documentElement.scrollHeight")], "shifts": 0}
    assert not page.evaluate(DRAWN, ROWS - 1)
    # The search of the browser finds their texts, and their fields are stops.
    assert page.evaluate("window.find('10 Pecan St')")
    expect(rows.nth(ROWS - 2).locator("> .row-head")).to_be_in_viewport()
    assert page.evaluate(DRAWN, ROWS - 1)
    assert not page.evaluate(DRAWN, 1)
    rows.nth(1).locator(".fold").focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.closest('.row .row, .row').closest('.rows > .row') !== null")
    # Choices hang over the edge of the row with the focus.
    page.evaluate("document.querySelector('#rows-locations > .row:nth-child(3) .pool').remove()")
    chooser = rows.nth(2).locator(".chooser").first
    chooser.click()
    chooser.press("ArrowDown")
    assert rows.nth(2).locator(".options").first.evaluate(HANGS_OVER)
    # Paper has everything.
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.emulate_media(media="print")
    values = rows.evaluate_all("(all) => all.map((row) => getComputedStyle(row).contentVisibility)")
    assert values == ["visible"] * ROWS
