"""The pages of operations in a browser: progress by the socket and without it, the ring, the try's report."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.submission.order import NewOperation, Options
from operations.submission.submit import submit
from tenants.flags import BATCH_OPERATIONS
from tenants.models import User
from tests.harness.form_driver import Driver
from tests.harness.socket_client import start
from tests.harness.switched_on import switch_on

pytestmark = pytest.mark.browser
FORMS = 4

#: Notes each share of ended forms that the page shows.
NOTE_SHARES = """() => {
    window.shares = [];
    const note = () => shares.push(parseInt(document.querySelector(".operation-line strong").textContent));
    new MutationObserver(note).observe(document.getElementById("main"), { subtree: true, childList: true, characterData: true });
    note();
}"""  # noqa: E501


@pytest.fixture(autouse=True)
def operations_are_on(server: str) -> None:
    """Turn operations on, also in the server's process."""
    switch_on(BATCH_OPERATIONS)


def submitted(agent: User, *, dry_run: bool = False) -> UUID:
    """Return an operation of the agent that has not begun."""
    assert agent.tenant is not None
    actor = agent.as_actor(source="web")
    items = [{"id": str(start(agent.tenant, actor))} for _ in range(FORMS)]
    arguments = {"answers": {"mqs_annual_revenue": 900_000}}
    order = NewOperation(
        kind="set_answers", items=items, arguments=arguments, title="Revenue", options=Options(dry_run=dry_run)
    )
    return submit(order, tenant=agent.tenant, actor=actor).operation.id


class OneByOne(Pace):
    """Makes every chunk one item, the first one too."""

    def size(self, operation_id: UUID, *, most: int) -> int:
        """Return 1."""
        return 1


def work(seconds: float | None = None) -> None:
    """Work in chunks of one item, so that there are several states to see: for ``seconds``, but one chunk at least."""
    drain("default", seconds=seconds, pace=OneByOne())


def shares(page: Page) -> list[int]:
    expect(page.locator(".operation-line strong")).to_have_text(f"{FORMS} of {FORMS} forms")
    return list(page.evaluate("shares"))


def test_progress_is_shown_as_it_happens_also_without_a_socket(driver: Driver, agent: User) -> None:
    page, address = driver.page, f"{driver.server}/operations/{submitted(agent)}"
    polling = page.context.new_page()
    polling.route_web_socket("**/ws/**", lambda socket: socket.close())
    polling.goto(address)
    page.bring_to_front()
    page.goto(address)
    expect(page.locator("#operation[data-live]")).to_be_attached()
    expect(page.get_by_role("link", name="1 operation, 0 percent")).to_be_visible()
    driver.check_in_every_look("operation", at="#operation")
    for shown in (page, polling):
        shown.evaluate(NOTE_SHARES)

    work(seconds=0)
    for shown in (polling, page):
        shown.bring_to_front()
        expect(shown.locator(".operation-line strong")).to_have_text(f"1 of {FORMS} forms")
    work()

    expect(page.locator(".operation-head .badge")).to_have_text("Completed")
    expect(page.locator("#running")).to_be_hidden()
    for shown in (page, polling):
        shown.bring_to_front()
        seen = shares(shown)
        assert seen == sorted(seen), "progress went back"
    page.reload()
    expect(page.locator(".operation-line strong")).to_have_text(f"{FORMS} of {FORMS} forms")


def test_the_list_shows_a_new_operation_and_a_try_what_would_change(driver: Driver, agent: User) -> None:
    page = driver.page
    page.goto(f"{driver.server}/operations")
    expect(page.locator("#operations[data-live]")).to_be_attached()

    submitted(agent, dry_run=True)
    work()

    page.get_by_role("link", name="Revenue").click()
    page.get_by_role("link", name="What would change").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    driver.check_in_every_look("what-would-change", at="h1")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
