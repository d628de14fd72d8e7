"""The story of a copy in the browser: what was tried in it is compared, merged by picks, and taken back."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import expect

from batch import service as batch
from catalogue.demo import Sample
from copies.document import Answer
from tenants.models import User
from tests.harness.form_driver import Driver

pytestmark = pytest.mark.browser


@pytest.fixture
def copies(server: str, agent: User, s1: Sample) -> tuple[UUID, UUID]:
    """Return the restaurant's base and a copy of it."""
    scope, actor = agent.tenant, agent.as_actor(source="web")
    assert scope is not None
    with batch.build_context(scope=scope, actor=actor, title="Base", as_of=s1.as_of) as context:
        context.changeset.apply_answers(s1.answers, s1.answer_pools)
        context.save()
        base = context.copy.id
    with batch.build_copy(base, scope=scope, actor=actor, title="What if") as context:
        context.save()
        return base, context.copy.id


def answers_of(agent: User, copy_id: UUID) -> dict[str, Answer]:
    assert agent.tenant is not None
    actor = agent.as_actor(source="web")
    return batch.find_changeset(copy_id, scope=agent.tenant, actor=actor).document.answers


def test_one_pick_is_merged_back_and_undone(driver: Driver, agent: User, copies: tuple[UUID, UUID]) -> None:
    base, copy = copies
    page = driver.page
    driver.open(copy)
    driver.answer("mqs_bop_deductible", "d2500")
    driver.answer("mqs_gl_limit", "l2m")
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_role("link", name="Merge by picks").click()

    expect(page.get_by_role("heading", name="Merge What if into Base")).to_be_visible()
    expect(page.locator("#merge-result")).to_contain_text("2 changes here")
    driver.check_in_every_look("merge", at="#merge-result")
    # The picks are radio buttons: the arrow keys move them.
    limit = page.get_by_role("row").filter(has_text="Liability limit")
    limit.get_by_role("radio").nth(1).focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#merge-result")).to_contain_text("1 change here")
    page.get_by_role("button", name="Merge").click()

    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    expect(page.locator(".toast")).to_contain_text("Merged What if into Base.")
    answers = answers_of(agent, base)
    assert (answers["mqs_bop_deductible"].value, answers["mqs_gl_limit"].value) == ("d2500", "l1m")
    undo.click()
    expect(page.locator(".toast")).to_contain_text("The merge is undone.")
    assert answers_of(agent, base)["mqs_bop_deductible"].value == "d1000"
    page.get_by_role("link", name="Back to the comparison").click()
    expect(page.get_by_role("button", name="Print for the customer")).to_be_visible()
