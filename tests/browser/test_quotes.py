"""Quotes in a browser: requested from the answers, live in the grid, stale after an edit, proposed to the customer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from batch import service as batch
from carriers.links.traffic import write_calls
from catalogue.demo import Sample
from quoting.dispatcher import Dispatcher
from tenants.models import User
from tests.harness.carrier_lane import InTurn
from tests.harness.carrier_links import MemoryLog, add_link
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.chromium import PHONE, Window
from tests.harness.form_driver import Driver
from tests.harness.quoted_forms import LOWERED, SIGNATURE, answer, submit

pytestmark = pytest.mark.browser


@pytest.fixture
def by(agent: User) -> dict[str, Any]:
    """Return the scope and the actor of the agent."""
    return {"scope": agent.tenant, "actor": agent.as_actor(source="web")}


def started(sample: Sample, by: dict[str, Any]) -> UUID:
    with batch.build_context(**by, title=sample.title, as_of=sample.as_of) as context:
        context.changeset.apply_answers(sample.answers, sample.answer_pools)
        context.save()
        return context.copy.id


@pytest.fixture
def restaurant(server: str, s1: Sample, by: dict[str, Any]) -> UUID:
    """Return the copy of a restaurant that is ready to quote."""
    return started(s1, by)


def test_answers_of_carriers_come_in_live_and_go_stale(driver: Driver, restaurant: UUID, by: dict[str, Any]) -> None:
    page = driver.page
    bop, wc = submit(restaurant, "QM-BOP", **by), submit(restaurant, "TT-WC", **by)
    driver.open(restaurant)
    page.get_by_role("link", name="Quotes 2", exact=True).click()
    expect(page.locator("#quotes[data-live]")).to_be_attached()
    row = page.locator(f"#quote-{bop}")
    expect(row.locator(".clock")).to_be_visible()

    page.locator('#quotes [data-pick][value="LF-BOP"]').check()
    row.get_by_role("button", name="Quillmark Mutual", exact=True).click()
    expect(page.locator(f"#details-{bop}")).to_contain_text("Course")
    answer(restaurant, bop, premium=2451, subjectivities=(SIGNATURE,), **by)

    expect(row).to_contain_text("bindable")
    expect(row.locator(".premium")).to_have_text("$2,451")
    expect(page.locator(f"#details-{bop}")).to_contain_text("Sign the application")
    expect(page.locator('#quotes [data-pick][value="LF-BOP"]')).to_be_checked()
    expect(page.get_by_role("button", name="Request 1 quote", exact=True)).to_be_visible()
    page.keyboard.press("j")
    answer(restaurant, wc, premium=5028, **by)
    expect(page.locator(f"#quote-{wc}")).to_contain_text("+$9")
    with batch.find_and_lock(restaurant, **by) as context:
        context.changeset.apply_answers({"mqs_annual_revenue": 1_300_000}, {})
        context.save()
    expect(row).to_contain_text("Gross revenue in the last 12 months changed")
    expect(row.locator(".premium s")).to_contain_text("$2,451")
    driver.check_in_every_look("quotes", at="#quotes")


def test_quotes_are_requested_from_the_answers_and_come_from_real_carriers(
    driver: Driver, restaurant: UUID, carrier_simulator: CarrierSimulator, carrier_traffic: MemoryLog
) -> None:
    page = driver.page
    for carrier in ("QM", "LF", "TT"):
        carrier_simulator.behave(carrier, mode="sync")
        add_link(carrier, carrier_simulator.address(carrier), mode="sync", **carrier_simulator.credentials(carrier))
    driver.open(restaurant)
    driver.is_online()
    page.get_by_role("checkbox", name="Request a quote of Lanternfield Insurance Workers compensation").uncheck()
    driver.check_in_every_look("quote-foot", at="#quote-foot")

    page.get_by_role("button", name="Request 3 quotes").click()
    expect(page.locator("#quote-counts")).to_have_text("3 running")
    Dispatcher("default", pool=InTurn()).finish(seconds=60.0)
    write_calls(carrier_traffic.records)

    expect(page.locator("#quote-counts")).to_have_text("3 answered")
    for product, premium in {"QM-BOP": "$2,451", "LF-BOP": "$2,565", "TT-WC": "$5,019"}.items():
        row = page.locator("#quotes tr.quote", has_text=premium)
        expect(row.locator(".difference")).to_have_text("same")
        assert len(carrier_simulator.quotes(product.partition("-")[0])) == 1
    page.locator("#quotes tr.quote", has_text="$2,451").locator("button.carrier").click()
    expect(page.locator(".calls")).to_contain_text("Sent the request")
    expect(page.get_by_text("Personal values are masked here.")).to_be_visible()
    driver.check_in_every_look("quotes-answered", at=".calls", is_known=True)


def test_keys_move_open_and_choose(driver: Driver, restaurant: UUID, by: dict[str, Any]) -> None:
    page = driver.page
    bop = submit(restaurant, "QM-BOP", **by)
    page.goto(f"{driver.server}/forms/{restaurant}/quotes")
    expect(page.locator("#quotes[data-live]")).to_be_attached()

    page.keyboard.press("j")
    expect(page.locator(f"#quote-{bop}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"#details-{bop}")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(f"#details-{bop}")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#quotes tr.quote:focus [data-pick]")).to_be_checked()
    page.keyboard.press("?")
    expect(page.get_by_text("Choose the quote for a request")).to_be_visible()


def test_an_answer_is_entered_for_a_carrier_that_answers_by_hand(
    driver: Driver, samples: dict[str, Sample], by: dict[str, Any]
) -> None:
    page = driver.page
    copy_id = started(samples["S4"], by)
    add_link("OH", "http://127.0.0.1:9", mode="manual")
    request = submit(copy_id, "OH-GL", **by)
    page.goto(f"{driver.server}/quotes")

    page.get_by_role("button", name="Enter the answer…").click()
    form = page.get_by_role("form", name="Enter the answer of")
    form.get_by_label("Yearly premium").fill("12.5")
    form.get_by_role("button", name="Save the answer").click()
    expect(form.get_by_role("alert")).to_contain_text("whole dollars")
    driver.check_in_every_look("quotes-answer", at=".quote-answer")
    form.get_by_label("Yearly premium").fill("$28,928")
    form.get_by_label("Condition, first", exact=True).fill("Signed application")
    form.get_by_role("button", name="Save the answer").click()

    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="All 1").click()
    expect(page.locator(f"#quote-{request}")).to_contain_text("$28,928")
    expect(page.locator(f"#quote-{request}")).to_contain_text("1 condition to meet")


def test_the_customer_opens_the_proposal_until_it_ends(
    driver: Driver, window: Window, samples: dict[str, Sample], by: dict[str, Any]
) -> None:
    page = driver.page
    copy_id = started(samples["S3"], by)
    answer(copy_id, submit(copy_id, "VC-CYB", **by), premium=3432, changes=(LOWERED,), **by)
    answer(copy_id, submit(copy_id, "LF-BOP", **by), premium=2350, **by)
    page.goto(f"{driver.server}/forms/{copy_id}/quotes")
    page.get_by_role("link", name="Proposal for the customer").click()
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_label("Copy this address now").input_value()
    driver.check_in_every_look("proposal", at="#proposal-title")

    with window(viewport=PHONE, reduced_motion="reduce") as context:
        customer = Driver(context.new_page(), driver.server)
        customer.page.goto(address)
        expect(customer.page.get_by_role("heading", name="Insurance proposal for")).to_be_visible()
        expect(customer.page.get_by_text("Offered differently from what was asked")).to_be_visible()
        customer.check_access()
        customer.photograph("proposal-open-390")
        page.get_by_role("button", name="End the link").click()
        expect(page.get_by_text("It no longer opens the proposal.")).to_be_visible()
        customer.page.reload()
        expect(customer.page.get_by_role("heading", name="This proposal cannot be opened")).to_be_visible()
        assert customer.faults == []
    page.emulate_media(media="print")
    expect(page.locator(".proposal-tools")).to_be_hidden()
    page.emulate_media(media="screen")
