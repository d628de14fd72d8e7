"""From a quote to a policy over HTTP at the simulator: the sync carrier, and the manual one of surplus lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from actions.models import OutboxAction
from batch import service as batch
from batch.binding_errors import DisclosuresAreOpen
from catalogue.demo import Sample
from catalogue.models import Release
from forms.models import Binding, QuoteRequest
from quoting import binding, service
from quoting.dispatcher import Dispatcher
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.bindings import change, consent, given, prepared, request_bind
from tests.harness.carrier_lane import InTurn
from tests.harness.carrier_links import add_link
from tests.harness.carrier_simulator import CarrierSimulator

pytestmark = pytest.mark.django_db
AGENT = system_actor("test", source="web")


class Story:
    """One form whose product is quoted and bound."""

    def __init__(self, tenant: Tenant, simulator: CarrierSimulator, sample: Sample, product: str) -> None:
        self.tenant, self.simulator, self.product, self.carrier = tenant, simulator, product, product[:2]
        credentials = simulator.credentials(self.carrier)
        add_link(self.carrier, simulator.address(self.carrier), **credentials)
        with batch.build_context(scope=tenant, actor=AGENT, as_of=sample.as_of) as context:
            context.changeset.apply_answers(sample.answers, sample.answer_pools)
            for row in context.changeset.find_pool("owners").rows:
                context.changeset.find_answer(f"{row.path}/mqs_own_dob").apply("1980-02-03")
            context.save()
            self.copy_id = context.copy.id
        change(self.copy_id, lambda context: service.request_quotes(context, products=[product]), **self.by)
        self.dispatch()

    @property
    def by(self) -> dict[str, Any]:
        return {"scope": self.tenant, "actor": AGENT}

    @property
    def quote(self) -> QuoteRequest:
        with use_tenant(self.tenant):
            return QuoteRequest.objects.get(product=self.product)

    @property
    def binding(self) -> Binding:
        with use_tenant(self.tenant):
            return Binding.objects.get()

    def dispatch(self) -> None:
        with use_tenant(self.tenant):
            OutboxAction.objects.filter(state="waiting").update(next_attempt_at="2000-01-01T00:00:00Z")
        Dispatcher("default", pool=InTurn()).finish(seconds=60.0)

    def dispatch_until(self, condition: Callable[[], bool]) -> None:
        """Dispatch again and again, as a carrier decides in its own time."""
        for _ in range(20):
            if condition():
                return
            self.dispatch()
            time.sleep(0.05)

    def bind(self) -> None:
        consent(self.copy_id, self.quote.id, **self.by)
        request_bind(self.copy_id, self.quote.id, **self.by)
        self.dispatch()

    def refusals(self) -> list[str]:
        return [error.code for error in prepared(self.copy_id, self.quote.id, **self.by).refusals]


def test_the_sync_carrier_quotes_and_binds(
    demo: Release, harbor: Tenant, s1: Sample, carrier_simulator: CarrierSimulator
) -> None:
    story = Story(harbor, carrier_simulator, s1, "QM-BOP")
    assert (story.quote.state, story.quote.premium, story.quote.is_bindable) == ("quoted", 2451, True)

    story.bind()

    assert (story.binding.state, story.quote.state) == ("bound", "bound")
    assert story.binding.policy_number == story.quote.policy_number != ""
    received = [call for call in carrier_simulator.received("QM") if call["operation"] == "bind"]
    assert len(received) == 1
    assert received[0]["body"]["answers"]["fein"] == "00-0000001"
    assert received[0]["body"]["consent"]["wording_hash"] == story.binding.consent["wording_hash"]


def test_an_edit_after_the_quote_is_not_bound(
    demo: Release, harbor: Tenant, s1: Sample, carrier_simulator: CarrierSimulator
) -> None:
    story = Story(harbor, carrier_simulator, s1, "QM-BOP")
    consent(story.copy_id, story.quote.id, **story.by)

    change(
        story.copy_id,
        lambda context: context.changeset.apply_answers({"mqs_annual_revenue": 1_300_000}),
        scope=harbor,
        actor=AGENT,
    )

    assert story.refusals() == ["quote_stale", "consent_void"]
    assert carrier_simulator.counts("QM").get("bind", 0) == 0
    # Asked again, it is another quote with another price, and another consent.
    change(story.copy_id, lambda context: service.ask_again(context, story.quote.id), scope=harbor, actor=AGENT)
    story.dispatch()
    story.bind()
    assert (story.binding.state, story.quote.previous_references != []) == ("bound", True)


@pytest.mark.parametrize(
    ("decision", "states"), [("pending", ("bound", "bound")), ("pending_refused", ("refused", "quoted"))]
)
def test_a_pending_decision_is_followed(
    demo: Release,
    harbor: Tenant,
    s1: Sample,
    carrier_simulator: CarrierSimulator,
    decision: str,
    states: tuple[str, str],
) -> None:
    carrier_simulator.behave("QM", binding=decision)
    story = Story(harbor, carrier_simulator, s1, "QM-BOP")

    story.bind()

    story.dispatch_until(lambda: story.binding.state != "pending")

    assert (story.binding.state, story.quote.state) == states
    assert carrier_simulator.counts("QM")["bind"] == 1


def test_a_carrier_that_accepts_and_times_out_binds_once(
    demo: Release, harbor: Tenant, s1: Sample, carrier_simulator: CarrierSimulator
) -> None:
    story = Story(harbor, carrier_simulator, s1, "QM-BOP")
    carrier_simulator.behave("QM", faults=[{"kind": "reset", "stage": "after", "on": ["bind"], "times": 1}])

    story.bind()
    story.dispatch()

    assert story.binding.state == "bound"
    counts = carrier_simulator.counts("QM")
    assert (counts["bind"], counts["binding"]) == (1, 1)


def test_the_manual_carrier_of_surplus_lines_binds_with_its_disclosures(
    demo: Release, harbor: Tenant, samples: dict[str, Sample], carrier_simulator: CarrierSimulator
) -> None:
    story = Story(harbor, carrier_simulator, samples["S4"], "OH-GL")
    assert story.quote.state == "submitted"
    carrier_simulator.answer("OH", story.quote.request_token, status="quoted", premium=28928, is_bindable=True)
    story.dispatch_until(lambda: story.quote.state != "submitted")
    assert (story.quote.state, story.quote.premium) == ("quoted", 28928)

    ready = prepared(story.copy_id, story.quote.id, **story.by)
    assert ready.terms is not None
    assert ready.terms.disclosures
    with pytest.raises(DisclosuresAreOpen):
        change(
            story.copy_id,
            lambda context: binding.give_consent(context, story.quote.id, given(ready.wording_hash)),
            scope=harbor,
            actor=AGENT,
        )
    accepted = given(ready.wording_hash, acknowledges_disclosures=True)
    change(
        story.copy_id,
        lambda context: binding.bind(context, story.quote.id, consent=accepted),
        scope=harbor,
        actor=AGENT,
    )
    story.dispatch()

    assert (story.binding.state, story.quote.state) == ("bound", "bound")
    assert all(text in story.binding.consent["wording"] for text in ready.terms.disclosures)
