"""The figures of the workplace, printed as one table (``make page-figures``): first paint, bytes, row orders among many
open rows, pasted rows, printed pages, and hidden stops of the Tab key. ``test_main_job.py`` prints those of the walk.

Times depend on the machine, so only bytes, pages and stops are checked.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Final
from uuid import UUID

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from batch import service as batch
from catalogue.demo import Sample
from catalogue.loader import load
from catalogue.releases import publish
from tenants.models import User
from tests.browser.test_focus import stops
from tests.harness.form_driver import Driver
from tests.harness.long_catalogue import store_long_release
from tests.harness.page_weight import MOST_BYTES, MOST_BYTES_OF_ADMIN, weight_of
from tests.harness.socket_client import start
from tests.partner_engine.web.test_pasting import FLEET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.alone]

ROUNDS: Final = 5
LOCATIONS, BUILDINGS = 30, 3
PASTED: Final = 500
SIZES: Final = ((1440, 900), (720, 900), (390, 844), (360, 225))
PACKED: Final = {"Accept-Encoding": "gzip, br"}
#: The first paint, and when the response and the parsed page were there, in milliseconds since the address was opened.
PAINT: Final = """async () => {
    const [{ responseEnd, domContentLoadedEventEnd }] = performance.getEntriesByType("navigation");
    const paint = await new Promise((found) => {
        const observer = new PerformanceObserver((list) => {
            const [first] = list.getEntriesByName("first-contentful-paint");
            if (first) {
                observer.disconnect();
                found(first);
            }
        });
        observer.observe({ type: "paint", buffered: true });
    });
    return [paint.startTime, responseEnd, domContentLoadedEventEnd];
}"""
#: Presses the button and returns the milliseconds until the row is painted that the page then has more.
TIMED_CLICK: Final = """([button, rows]) => new Promise((done) => {
    const count = () => document.querySelectorAll(rows).length;
    const before = count();
    const since = performance.now();
    const look = () => (count() === before
        ? requestAnimationFrame(look)
        : requestAnimationFrame(() => done(performance.now() - since)));
    document.querySelector(button).click();
    look();
})"""


class Table:
    """The figures of this run."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def row(self, figure: str, value: float, goal: float, unit: str, *, is_checked: bool = True) -> None:
        """Print one figure, and remember a missed goal if it ``is_checked``."""
        holds = value <= goal
        verdict = "holds" if holds else "MISSED"
        print(f"{figure:<58} {value:>9,.0f} {unit:<5} goal {goal:>9,.0f}  {verdict}")  # noqa: T201 - the result
        if is_checked and not holds:
            self.missed.append(figure)

    def time(self, figure: str, value: float, goal: float) -> None:
        """Print milliseconds, which are not checked."""
        self.row(figure, value, goal, "ms", is_checked=False)


@pytest.fixture
def table() -> Table:
    print()  # noqa: T201 - the table begins on a line of its own
    return Table()


def begin(agent: User, *, catalogue: str = "", answers: dict[str, object] | None = None, pools: object = None) -> UUID:
    """Start a form of the agent; return its copy."""
    assert agent.tenant is not None
    more = {"catalogue": catalogue} if catalogue else {}
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), **more) as context:
        context.changeset.apply_answers(answers or {}, pools or {})  # type: ignore[arg-type]
        context.save()
        return context.copy.id


def test_first_paint_and_bytes(browser: Browser, driver: Driver, agent: User, s1: Sample, table: Table) -> None:
    assert agent.tenant is not None
    store_long_release()
    forms = {
        "S1": (start(agent.tenant, agent.as_actor(source="web"), s1), 600),
        "2,000 questions": (begin(agent, catalogue="long"), 600),
    }
    client = Client()
    client.force_login(agent, backend="tenants.backends.EmailBackend")
    for name, (copy_id, most) in forms.items():
        address = f"/forms/{copy_id}"
        driver.page.goto(f"{driver.server}{address}")
        paints = [cold_paint(browser, driver, address) for _ in range(ROUNDS)]
        paint, response, parsed = (median(found) for found in zip(*paints, strict=True))
        table.time(f"{name}: first paint, cold cache", paint, most)
        table.time(f"{name}: whole response", response, 300)
        table.time(f"{name}: scripts have run", parsed, 1_000)
        table.row(f"{name}: bytes of page and files", weight_of(client.get(address, headers=PACKED)), MOST_BYTES, "B")

    assert table.missed == []


def cold_paint(browser: Browser, driver: Driver, address: str) -> list[float]:
    """Open the page in a browser without a cache; return the times of ``PAINT``."""
    state = driver.page.context.storage_state()
    with browser.new_context(viewport={"width": 1440, "height": 980}, storage_state=state) as context:
        page = Driver(context.new_page(), driver.server).page
        page.goto(f"{driver.server}{address}")
        found: list[float] = page.evaluate(PAINT)
        context.close()
    return found


def test_bytes_of_the_admin(staff: User, sign_in: Callable[[User], Client], table: Table) -> None:
    weight = weight_of(sign_in(staff).get("/admin/", headers=PACKED))  # type: ignore[arg-type]

    table.row("admin start: bytes of page and files", weight, MOST_BYTES_OF_ADMIN, "B")

    assert table.missed == []


def test_row_orders_among_many_open_rows(driver: Driver, agent: User, table: Table) -> None:
    buildings = [{"answers": {"mqs_bld_desc": f"Building {number}"}} for number in range(BUILDINGS)]
    rows = [
        {"answers": {"mqs_loc_street": f"{number} Pecan St"}, "answer_pools": {"buildings": buildings}}
        for number in range(LOCATIONS)
    ]
    page = driver.page
    driver.open(begin(agent, answers={"mqs_lobs": ["bop"]}, pools={"locations": rows}))
    driver.is_online()
    unfold_all(page)
    orders = {"add": '[data-add="locations"]', "duplicate": "#rows-locations > .row:nth-child(5) [data-duplicate]"}

    for order, button in orders.items():
        times, sizes = [], []
        for _ in range(ROUNDS):
            with page.expect_response("**/rows") as sent:
                times.append(page.evaluate(TIMED_CLICK, [button, "#rows-locations > .row"]))
            sizes.append(len(sent.value.body()))
            driver.saved()
            unfold_all(page)
        table.time(f"{order} a row among {LOCATIONS} x {BUILDINGS} open ones", median(times), 100)
        table.row(f"{order}: largest response, before compression", max(sizes), 60_000, "B")

    assert table.missed == []


def unfold_all(page: Page) -> None:
    """Open every row on the page, and the rows in it."""
    closed = page.locator(".row:not([data-open]) > .row-head [data-fold]")
    while left := closed.count():
        closed.first.click()
        expect(closed).not_to_have_count(left)


def test_pasted_rows(driver: Driver, agent: User, table: Table) -> None:
    publish(load(FLEET), actor_id="test")
    page = driver.page
    driver.open(begin(agent, catalogue="fleet"))
    driver.is_online()
    text = "\n".join(
        ["\t".join(f"Column {name}" for name in "abcdefghij")]
        + ["\t".join(f"{name}{row}" for name in "abcdefghij") for row in range(PASTED)]
    )
    page.click('[data-paste-rows="cars"]')
    page.fill("#paste-text", text)
    page.evaluate("document.getElementById('paste-form').requestSubmit()")
    expect(page.locator("[data-save-pasted]")).to_have_text(f"Add {PASTED} rows")

    took = page.evaluate(TIMED_CLICK, ["[data-save-pasted]", "#rows-cars > .row"])

    expect(page.locator("#rows-cars > .row")).to_have_count(PASTED)
    table.time(f"{PASTED} pasted rows x 10 columns, click to painted", took, 1_000)


def test_printed_pages_and_hidden_stops(driver: Driver, agent: User, s1: Sample, table: Table) -> None:
    assert agent.tenant is not None
    page = driver.page
    copy_id = start(agent.tenant, agent.as_actor(source="web"), s1)
    for name, address in {"form": f"/forms/{copy_id}", "print page": f"/forms/{copy_id}/print"}.items():
        page.goto(f"{driver.server}{address}")
        content = page.pdf(format="Letter", prefer_css_page_size=True)
        pages = content.count(b"/Type /Page") - content.count(b"/Type /Pages")
        table.row(f"S1 printed from its {name}", pages, 5, "pages")
    driver.open(copy_id)
    driver.is_online()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        found = [stop for key in ("Tab", "Shift+Tab") for stop in stops(page, key)]
        hidden = sum(not stop["seen"] for stop in found)
        table.row(f"hidden ones of {len(found)} stops at {width} x {height}", hidden, 0, "stops")

    assert table.missed == []
