"""The menu at a question: opened by keys, one at a time, without moving the page; the way back of a decline."""

from __future__ import annotations

from playwright.sync_api import expect

from batch import service as batch
from catalogue.demo import read_samples
from tenants.models import User
from tests.harness.form_driver import Driver

#: Where everything on the page is.
PLACES = """() => [...document.querySelectorAll(".field, .set, .product")].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return [element.id, x, y, width, height].join(" ");
})"""


def test_a_question_says_why_it_is_asked_and_a_product_what_would_open_it(driver: Driver, agent: User) -> None:
    page, keys = driver.page, driver.page.keyboard
    s1 = next(found for found in read_samples() if found.id == "S1")
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), as_of=s1.as_of) as context:
        context.changeset.apply_answers(s1.answers | {"mqs_gl_liquor_pct": 35}, s1.answer_pools)
        context.save()
    driver.open(context.copy.id)
    expect(page.locator("#way-back-QM-BOP")).to_have_text("Eligible again at 30% or less, now 35%.")

    alcohol = page.locator("[name=mqs_gl_liquor_pct]")
    alcohol.focus()
    alcohol.scroll_into_view_if_needed()
    before = page.evaluate(PLACES)
    keys.press("Alt+w")
    menu = page.locator("#question-why")
    expect(menu).to_contain_text("Asked because")
    expect(menu).to_contain_text("Quillmark Mutual Business owners")
    expect(menu).to_be_focused()
    assert page.evaluate(PLACES) == before
    driver.check_access("#question-why")
    keys.press("Escape")
    expect(menu).to_be_hidden()
    expect(alcohol).to_be_focused()

    # The way back follows the answers; the button is at the question under the pointer.
    alcohol.fill("34")
    keys.press("Enter")
    driver.saved()
    expect(page.locator("#way-back-QM-BOP")).to_have_text("Eligible again at 30% or less, now 34%.")
    page.locator("#f-mqs_legal_entity").hover()
    page.locator("#f-mqs_legal_entity .question-why-button").click()
    expect(menu).to_contain_text("Legal structure")
    menu.get_by_role("link", name="Find this question").click()
    expect(page.locator("#q-mqs_legal_entity")).to_be_visible()
