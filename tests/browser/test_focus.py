"""What has the focus can be seen: no bar, drawer or edge of the window hides a stop of the Tab key."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import pytest
from playwright.sync_api import Page

from batch import service as batch
from catalogue.demo import read_samples
from tenants.models import User
from tests.harness.chromium import PHONE, Window
from tests.harness.form_driver import Driver
from tests.harness.tiers import amount

pytestmark = pytest.mark.browser

#: Windows: a desk, half a screen, a phone, and a desk at 200 % and 400 %; the quick tier looks at the first.
SIZES: Final = ((1440, 900), (390, 844), (720, 900), (720, 450), (360, 225))[: amount(quick=1, full=5)]
#: More stops than the form has.
MOST: Final = 400
#: What has the focus, and how many of its points are on top, of nine per box; null at the end of the page. With reduced
#: motion a change of style takes a millisecond: after some frames a hidden stop stays hidden.
SEEN: Final = """async () => {
    const look = () => {
        const focused = document.activeElement;
        if (focused === document.body || !focused.matches(":focus")) return null;
        const choice = focused.matches("[type=radio], [type=checkbox]") ? focused.closest("label") : null;
        const shown = choice ?? focused;
        const isOnTop = (x, y) => {
            const top = document.elementFromPoint(x, y);
            return top !== null && (shown === top || shown.contains(top));
        };
        // A link over two lines is not in all of the box around it.
        const boxes = [...shown.getClientRects()];
        const parts = [0.1, 0.5, 0.9];
        const points = boxes.flatMap(({ x, y, width, height }) =>
            parts.flatMap((across) => parts.map((down) => [x + width * across, y + height * down])));
        const name = focused.id || focused.name || focused.textContent.trim().slice(0, 40);
        return { name, seen: points.filter(([x, y]) => isOnTop(x, y)).length };
    };
    let stop = look();
    for (let frame = 0; stop?.seen === 0 && frame < 30; frame += 1) {
        await new Promise(requestAnimationFrame);
        stop = look();
    }
    return stop;
}"""
#: Puts the focus before the first stop of the page.
TO_THE_START: Final = "() => { document.activeElement.blur(); window.scrollTo(0, 0); }"
#: The targets of fingers that are smaller than 44 pixels; links within a sentence may be.
SMALL: Final = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((element) => element.checkVisibility() && !element.closest("p, .messages, .reasons"))
    .filter((element) => !element.matches("[data-picker], .skip, .product-pick"))
    .map((element) => [element, (element.closest(".checks label, .segments label") ?? element).getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && (box.height < 44 || box.width < 44))
    .map(([element, box]) => `${element.id || element.className} ${Math.round(box.width)}x${Math.round(box.height)}`)"""


@pytest.fixture
def finished(server: str, agent: User) -> UUID:
    """Return a form with the answers of a sample that has all kinds of fields, rows and products."""
    found = next(sample for sample in read_samples() if sample.id == "S1")
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), as_of=found.as_of) as context:
        context.changeset.apply_answers(found.answers, found.answer_pools)
        context.save()
        return context.copy.id


def stops(page: Page, key: str) -> list[dict[str, Any]]:
    """Press ``key`` from the start of the page until the focus leaves it; return what had the focus."""
    page.evaluate(TO_THE_START)
    found: list[dict[str, Any]] = []
    for _ in range(MOST):
        page.keyboard.press(key)
        stop = page.evaluate(SEEN)
        if stop is not None:
            found.append(stop)
        elif found:
            return found
    raise AssertionError("The focus does not leave the page.")


@pytest.mark.parametrize("key", ["Tab", pytest.param("Shift+Tab", marks=pytest.mark.slow)])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_stop_is_hidden_in_either_direction(driver: Driver, finished: UUID, size: tuple[int, int], key: str) -> None:
    page = driver.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    driver.open(finished)
    driver.is_online()

    passed = stops(page, key)
    assert len(passed) > 80
    assert [stop["name"] for stop in passed if not stop["seen"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]


def test_fingers_have_room_on_a_phone(window: Window, server: str, agent: User, finished: UUID) -> None:
    with window(viewport=PHONE, has_touch=True, is_mobile=True) as context:
        phone = Driver(context.new_page(), server)
        phone.enter(agent)
        phone.open(finished)
        phone.is_online()

        assert phone.page.evaluate(SMALL) == []
        phone.page.click(".drawer-button")
        assert phone.page.evaluate(SMALL) == []
    assert phone.faults == []


@pytest.mark.slow
def test_the_form_prints_as_a_page_of_its_customer(driver: Driver, finished: UUID) -> None:
    driver.open(finished)
    driver.is_online()

    printed = driver.page.pdf(format="Letter")

    # A page is an object of the type Page; the tree of all is of the type Pages.
    assert 1 <= printed.count(b"/Type /Page") - printed.count(b"/Type /Pages") <= 5
    driver.page.emulate_media(media="print")
    assert driver.page.locator("#products").is_visible()
    assert not driver.page.locator(".quote-foot").is_visible()
    assert not driver.page.locator("#menu").is_visible()
