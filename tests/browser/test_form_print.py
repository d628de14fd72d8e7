"""The page of a form for the customer, as the browser prints it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from batch import service as batch
from catalogue.demo import read_samples
from tenants.models import User
from tests.harness.form_driver import Driver


@pytest.mark.slow
def test_a_form_prints_on_at_most_five_pages(driver: Driver, agent: User) -> None:
    page = driver.page
    s1 = next(found for found in read_samples() if found.id == "S1")
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), as_of=s1.as_of) as context:
        context.changeset.apply_answers(s1.answers, s1.answer_pools)
        context.save()
    address = f"{driver.server}/forms/{context.copy.id}"
    page.goto(f"{address}/print")
    expect(page.get_by_role("heading", name="Insurance application of Copper Kettle Bistro LLC")).to_be_visible()
    driver.check_access()

    content = page.pdf(format="Letter", prefer_css_page_size=True)

    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 1 <= pages <= 5
    driver.photograph("form-print")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.goto(f"{address}/questions")
    driver.check_access()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 1440, "height": 980})
    driver.photograph("questions")
    page.goto(address)
    page.locator("[data-why=QM-BOP]").click()
    page.locator("[data-why=OH-BOP]").click()
    expect(page.locator("#why-QM-BOP")).to_contain_text("Premium a year")
    expect(page.locator("#why-OH-BOP")).to_contain_text("has not declined")
    driver.check_access()
    driver.photograph("why")
