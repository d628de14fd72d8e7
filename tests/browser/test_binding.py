"""The last step in the browser: a quote becomes a policy, or says why it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import expect

from actions.models import OutboxAction
from batch import service as batch
from catalogue.demo import Sample
from forms.models import Binding
from quoting.dispatcher import Dispatcher
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import User
from tests.harness.binding_carrier import BindingCarrier, binding_carrier
from tests.harness.bindings import change, offer
from tests.harness.carrier_lane import InTurn
from tests.harness.carrier_links import add_link
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.form_driver import Driver

pytestmark = pytest.mark.browser


@pytest.fixture
def carrier() -> Iterator[BindingCarrier]:
    with binding_carrier() as running:
        yield running


@pytest.fixture
def copy_id(server: str, agent: User, s1: Sample) -> UUID:
    """Return the restaurant's copy, which lacks the owner's date of birth."""
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), as_of=s1.as_of) as context:
        context.changeset.apply_answers(s1.answers, s1.answer_pools)
        context.save()
        return context.copy.id


@pytest.fixture
def quote_id(copy_id: UUID, agent: User, carrier: BindingCarrier) -> UUID:
    assert agent.tenant is not None
    add_link("QM", carrier.url)
    actor = system_actor("carriers")
    return offer(copy_id, scope=agent.tenant, actor=actor, product="QM-BOP", premium=2451, reference="QM-31")


def test_a_quote_is_bound_by_keyboard(
    driver: Driver, agent: User, copy_id: UUID, quote_id: UUID, carrier: BindingCarrier
) -> None:
    page = driver.page
    page.goto(f"{driver.server}/forms/{copy_id}/bind/{quote_id}")
    expect(page.get_by_role("heading", name="Still needed: 1 answer")).to_be_visible()
    driver.check_in_every_look("bind", at="#bind-needed")

    page.get_by_label("Date of birth").fill("2/3/1980")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Answers for the policy")).to_be_visible()
    # The consent is refused by the page until name and mark are there.
    page.get_by_label("Name of the person who agrees").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bind-problem")).to_have_text("Enter the name of the person who agrees.")
    page.get_by_label("Name of the person who agrees").fill("Robin Example")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    expect(page.locator("#bind-standing h2")).to_have_text("Sending the request")
    expect(page.locator("#bind-form")).to_be_hidden()
    Dispatcher("default", pool=InTurn()).finish(seconds=60.0)

    expect(page.locator("#bind-standing h2")).to_have_text("Bound: policy P-77")
    expect(page.locator("#lock")).to_contain_text("Quillmark Mutual locked this copy")
    expect(page.locator("#lock")).to_contain_text("Bound: policy P-77")
    driver.check_in_every_look("bound", at="#bind-standing", is_known=True)
    assert len(carrier.requests) == 1


def test_a_changed_wording_takes_the_mark_back(driver: Driver, copy_id: UUID, quote_id: UUID) -> None:
    page = driver.page
    page.goto(f"{driver.server}/forms/{copy_id}/bind/{quote_id}")
    mark = page.get_by_role("checkbox", name=re.compile("agrees to it"))
    mark.check()

    driver.answer("mqs_billing", "full")

    expect(page.locator("#bind-wording")).to_contain_text("Payment plan: Pay in full.")
    expect(mark).not_to_be_checked()


def test_a_quote_that_becomes_stale_closes_the_page(
    driver: Driver, agent: User, copy_id: UUID, quote_id: UUID, carrier: BindingCarrier
) -> None:
    page = driver.page
    assert agent.tenant is not None
    page.goto(f"{driver.server}/forms/{copy_id}/bind/{quote_id}")
    expect(page.get_by_role("button", name="Bind", exact=True)).to_be_visible()

    change(
        copy_id,
        lambda context: next(iter(context.changeset.quote_requests)).mark_stale("Revenue changed"),
        scope=agent.tenant,
        actor=system_actor("test"),
    )

    expect(page.locator("#bind-obstacles")).to_contain_text("This quote is out of date: revenue changed.")
    expect(page.get_by_role("button", name="Bind", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Ask for help").click()
    expect(page.locator("#bind-standing h2")).to_have_text("Help is requested")
    with use_tenant(agent.tenant):
        assert Binding.objects.get().state == "help_requested"
    assert carrier.requests == []


def begun(agent: User, sample: Sample) -> UUID:
    """Return the copy of an empty form that is decided on the day of ``sample``."""
    assert agent.tenant is not None
    with batch.build_context(scope=agent.tenant, actor=agent.as_actor(source="web"), as_of=sample.as_of) as context:
        context.save()
        return context.copy.id


def dispatch(agent: User) -> None:
    """Run the carrier actions, also those that wait for their time."""
    assert agent.tenant is not None
    with use_tenant(agent.tenant):
        OutboxAction.objects.filter(state="waiting").update(next_attempt_at="2000-01-01T00:00:00Z")
    Dispatcher("default", pool=InTurn()).finish(seconds=60.0)


def agree_and_bind(driver: Driver, agent: User) -> None:
    """Answer what is needed to bind, record the consent, bind, and wait for the policy."""
    page = driver.page
    driver.is_online()
    page.get_by_label("Date of birth").fill("2/3/1980")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Answers for the policy")).to_be_visible()
    page.get_by_label("Name of the person who agrees").fill("Robin Example")
    page.get_by_role("checkbox", name=re.compile("agrees to it")).check()
    page.get_by_role("button", name="Bind", exact=True).click()
    expect(page.locator("#bind-standing h2")).to_have_text("Sending the request")
    dispatch(agent)
    expect(page.locator("#bind-standing h2")).to_have_text(re.compile("^Bound: policy "))


@pytest.mark.slow
def test_an_empty_form_becomes_a_policy_of_the_sync_carrier(
    driver: Driver, agent: User, samples: dict[str, Sample], carrier_simulator: CarrierSimulator
) -> None:
    page, sample = driver.page, samples["S1"]
    add_link("QM", carrier_simulator.address("QM"), mode="sync", **carrier_simulator.credentials("QM"))
    copy_id = begun(agent, sample)
    driver.open(copy_id)
    driver.fill_in("", sample.answers)
    driver.fill_in_rows("", sample.answer_pools)
    driver.fill_in("", sample.answers)

    page.get_by_role("checkbox", name=re.compile("^Request a quote of (?!Quillmark)")).first.wait_for()
    for box in page.get_by_role("checkbox", name=re.compile("^Request a quote of (?!Quillmark)")).all():
        box.uncheck()
    page.get_by_role("button", name="Request 1 quote").click()
    expect(page.locator("#quote-counts")).to_have_text("1 running")
    dispatch(agent)
    row = page.locator("#quotes tr.quote", has_text="$2,451")
    expect(row).to_contain_text("bindable")
    row.get_by_role("link", name=re.compile("Bind")).click()
    expect(page.get_by_role("heading", name="Still needed: 1 answer")).to_be_visible()
    agree_and_bind(driver, agent)

    driver.check_in_every_look("bound-sync", at="#bind-standing")
    assert carrier_simulator.counts("QM")["bind"] == 1


@pytest.mark.slow
def test_an_empty_form_becomes_a_policy_of_the_manual_carrier(
    driver: Driver, agent: User, samples: dict[str, Sample], carrier_simulator: CarrierSimulator
) -> None:
    page, sample = driver.page, samples["S4"]
    add_link("OH", carrier_simulator.address("OH"), mode="manual", **carrier_simulator.credentials("OH"))
    copy_id = begun(agent, sample)
    driver.open(copy_id)
    driver.fill_in("", sample.answers)
    driver.fill_in_rows("", sample.answer_pools)
    driver.fill_in("", sample.answers)

    page.get_by_role("button", name="Request 1 quote").click()
    expect(page.locator("#quote-counts")).to_have_text("1 running")
    dispatch(agent)
    (quote,) = carrier_simulator.quotes("OH")
    carrier_simulator.answer("OH", quote["request_token"], status="quoted", premium=28928, is_bindable=True)
    dispatch(agent)
    row = page.locator("#quotes tr.quote", has_text="$28,928")
    row.get_by_role("link", name=re.compile("Bind")).click()
    # The disclosure of surplus lines is part of what is agreed.
    expect(page.locator("#bind-wording")).to_contain_text("The state guaranty fund does not cover its claims.")
    agree_and_bind(driver, agent)

    driver.check_in_every_look("bound-manual", at="#bind-standing")
