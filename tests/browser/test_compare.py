"""The view *Compare* in a browser: in every look without faults of access, with copies to choose, and on paper."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import expect

from batch import service as batch
from catalogue.demo import Sample
from tenants.models import User
from tests.harness.form_driver import Driver

pytestmark = pytest.mark.browser
PLANS = {
    "Bar-heavy plan": {"mqs_gl_liquor_pct": 35},
    "Higher limit": {"mqs_gl_limit": "l2m", "mqs_bop_deductible": "d2500"},
}


@pytest.fixture
def base(server: str, agent: User, s1: Sample) -> UUID:
    """Return the base of the restaurant's form, which has two plans beside it."""
    scope, actor = agent.tenant, agent.as_actor(source="web")
    assert scope is not None
    with batch.build_context(scope=scope, actor=actor, title=s1.title, as_of=s1.as_of) as context:
        context.changeset.apply_answers(s1.answers, s1.answer_pools)
        context.save()
        base = context.copy.id
    for title, answers in PLANS.items():
        with batch.build_copy(base, scope=scope, actor=actor, title=title) as context:
            context.save()
            copy_id = context.copy.id
        with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
            context.changeset.apply_answers(answers, {})
            context.save()
    return base


def test_copies_are_chosen_read_and_printed(driver: Driver, base: UUID) -> None:
    page = driver.page
    driver.open(base)
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("heading", name="Base, Bar-heavy plan and Higher limit")).to_be_visible()

    page.get_by_role("checkbox", name="Higher limit").uncheck()
    page.get_by_role("button", name="Compare", exact=True).click()

    expect(page.get_by_role("heading", name="Base and Bar-heavy plan")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("Eligible again at 30% or less.")
    driver.check_in_every_look("compare", at="#view-title")
    page.emulate_media(media="print")
    expect(page.locator(".head")).to_be_hidden()
    expect(page.get_by_role("button", name="Print for the customer")).to_be_hidden()
    expect(page.get_by_text("Prepared for")).to_be_visible()
    expect(page.get_by_text("Indication, not a quote.")).to_be_visible()
    expect(page.get_by_text("rule QB5")).to_be_hidden()
    driver.photograph("compare-print")
    page.emulate_media(media="screen")
