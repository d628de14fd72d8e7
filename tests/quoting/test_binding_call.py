"""The call that binds: over HTTP, without a lock; a request that may be known is never sent again blindly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import UUID

import pytest

from actions.models import OutboxAction
from batch import service as batch
from batch.context import BatchContext
from catalogue.demo import Sample
from catalogue.models import Release
from copies.models import SensitiveReveal
from failpoints import FailpointReached, armed
from forms.models import Binding, QuoteRequest
from quoting.dispatcher import Dispatcher
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.binding_carrier import BindingCarrier, binding_carrier
from tests.harness.bindings import TO_BIND, change, consent, offer, request_bind
from tests.harness.carrier_lane import InTurn
from tests.harness.carrier_links import MemoryLog, add_link

pytestmark = pytest.mark.django_db
FEIN = "00-0000001"


class Case:
    """One quote that is requested to be bound, and its carrier."""

    def __init__(self, copy_id: UUID, tenant: Tenant, agent: Actor, carrier: BindingCarrier) -> None:
        self.copy_id, self.tenant, self.agent, self.carrier = copy_id, tenant, agent, carrier
        self.quote_id = offer(copy_id, scope=tenant, actor=agent)
        self.request()

    def request(self) -> None:
        consent(self.copy_id, self.quote_id, scope=self.tenant, actor=self.agent)
        request_bind(self.copy_id, self.quote_id, scope=self.tenant, actor=self.agent)

    def change(self, act: Callable[[BatchContext], object], actor: Actor | None = None) -> None:
        change(self.copy_id, act, scope=self.tenant, actor=actor or self.agent)

    def dispatch(self) -> None:
        """Run the carrier actions that are due, whatever their pause."""
        with use_tenant(self.tenant):
            OutboxAction.objects.filter(kind="bind_quote_request").update(next_attempt_at="2000-01-01T00:00:00Z")
        Dispatcher("default", pool=InTurn()).finish(seconds=60.0)

    @property
    def binding(self) -> Binding:
        with use_tenant(self.tenant):
            return Binding.objects.get()

    @property
    def quote_state(self) -> str:
        with use_tenant(self.tenant):
            return QuoteRequest.objects.get(pk=self.quote_id).state

    @property
    def waits(self) -> bool:
        with use_tenant(self.tenant):
            return OutboxAction.objects.filter(kind="bind_quote_request", state="waiting").exists()


@pytest.fixture
def carrier() -> Iterator[BindingCarrier]:
    with binding_carrier() as running:
        yield running


@pytest.fixture
def case(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, carrier: BindingCarrier) -> Case:
    add_link("PA", carrier.url, catalogue="kennels")
    return Case(make_form(TO_BIND), kennels, agent, carrier)


def test_a_carrier_binds_in_its_response(case: Case) -> None:
    case.dispatch()

    row = case.binding
    assert (row.state, row.policy_number, case.quote_state) == ("bound", "P-77", "bound")
    (sent,) = case.carrier.requests
    assert (sent["bind_token"], sent["payment_plan"], sent["payment_token"]) == (row.bind_token, "", None)
    assert sent["consent"]["wording_hash"] == row.consent["wording_hash"]
    assert sent["consent"]["accepted_by"] == "Pat Example"
    assert case.carrier.count("POST", "/v1/quotes/PA-1/bind") == 1
    assert not case.waits
    assert batch.find(case.copy_id, scope=case.tenant, actor=case.agent).copy.fields.lock_reason == "Bound: policy P-77"


def test_a_pending_binding_is_queried_until_it_is_decided(case: Case) -> None:
    case.carrier.decide(status="pending")
    case.dispatch()
    assert (case.binding.state, case.waits) == ("pending", True)

    case.dispatch()
    assert case.binding.state == "pending"
    case.carrier.decide(status="bound", policy_number="P-78")
    case.dispatch()

    assert (case.binding.state, case.binding.policy_number, case.waits) == ("bound", "P-78", False)
    assert (len(case.carrier.requests), case.carrier.count("GET", "binding")) == (1, 2)


def test_a_refusal_returns_the_quote(case: Case) -> None:
    case.carrier.decide(status="refused", reasons=[{"code": "sanctions", "text": "Name check failed"}])

    case.dispatch()

    assert (case.binding.state, case.quote_state) == ("refused", "quoted")
    assert case.binding.reasons == [{"code": "sanctions", "text": "Name check failed"}]
    assert not case.waits


def test_a_refused_request_has_the_carriers_words(case: Case) -> None:
    case.carrier.status = 409

    case.dispatch()

    assert (case.binding.state, case.quote_state) == ("refused", "quoted")
    assert case.binding.reasons == [{"code": "closed", "text": "This account is closed."}]


def test_after_a_cut_the_carrier_is_asked_before_anything_is_sent_again(case: Case) -> None:
    case.carrier.cuts = 1
    case.dispatch()
    assert (case.binding.state, case.waits) == ("requested", True)

    case.dispatch()

    assert (case.binding.state, case.binding.policy_number) == ("bound", "P-77")
    assert len(case.carrier.requests) == 1


@pytest.mark.parametrize("point", ["carrier_prepared", "carrier_called", "carrier_replied", "carrier_concluded"])
def test_a_worker_that_dies_at_any_step_binds_once(case: Case, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The connection is that of the test, which goes on.
    monkeypatch.setattr("quoting.dispatcher._isolated", lambda work, argument: work(argument))
    with suppress(FailpointReached), armed(point):
        case.dispatch()
    with use_tenant(case.tenant):
        OutboxAction.objects.update(leased_until="2000-01-01T00:00:00Z")

    case.dispatch()

    assert (case.binding.state, case.quote_state) == ("bound", "bound")
    assert len(case.carrier.bindings) == 1
    assert len(case.carrier.requests) == 1


def test_a_quote_that_became_stale_after_the_request_is_not_sent(case: Case) -> None:
    def go_stale(context: BatchContext) -> None:
        next(iter(context.changeset.quote_requests)).mark_stale("Revenue changed")

    case.change(go_stale, system_actor("test"))

    case.dispatch()

    assert case.binding.state == "refused"
    assert case.binding.reasons == [{"code": "quote_stale", "text": "The quote is stale: Revenue changed"}]
    assert case.carrier.requests == []


def test_a_payload_that_differs_from_the_quoted_one_is_not_sent(case: Case) -> None:
    with use_tenant(case.tenant):
        QuoteRequest.objects.update(payload_hash="0" * 64)

    case.dispatch()

    assert (case.binding.state, case.binding.reasons[0]["code"]) == ("refused", "quote_stale")
    assert case.carrier.requests == []


def test_a_consent_to_other_terms_is_not_sent(case: Case) -> None:
    with use_tenant(case.tenant):
        QuoteRequest.objects.update(premium=999)

    case.dispatch()

    assert (case.binding.state, case.binding.reasons[0]["code"]) == ("refused", "consent_void")
    assert case.carrier.requests == []


def test_a_decision_stands_although_the_quote_became_stale_after_it_was_sent(case: Case) -> None:
    case.carrier.decide(status="pending")
    case.dispatch()

    def go_stale(context: BatchContext) -> None:
        next(iter(context.changeset.quote_requests)).mark_stale("A new day")

    case.change(go_stale, system_actor("test"))
    case.carrier.decide(status="bound", policy_number="P-79")
    case.dispatch()

    assert (case.binding.state, case.quote_state) == ("bound", "bound")


def test_a_spent_budget_leaves_an_unknown_outcome_that_is_asked_for_next_time(case: Case) -> None:
    case.carrier.cuts = 1
    case.dispatch()
    token = case.binding.bind_token
    with use_tenant(case.tenant):
        OutboxAction.objects.filter(kind="bind_quote_request").update(attempts=59)
    case.carrier.server.answer = lambda request: None
    case.carrier.server.behave("cut")
    case.dispatch()
    case.carrier.server.behave("ok")
    assert (case.binding.state, case.binding.reasons[0]["code"]) == ("refused", "outcome_unknown")

    case.carrier.server.answer = case.carrier.reply
    case.request()
    assert case.binding.bind_token == token
    case.dispatch()

    assert (case.binding.state, case.binding.policy_number) == ("bound", "P-77")
    assert len(case.carrier.requests) == 1


def test_a_missing_link_is_a_refusal_before_anything_is_sent(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, carrier: BindingCarrier
) -> None:
    case = Case(make_form(TO_BIND), kennels, agent, carrier)

    case.dispatch()

    assert (case.binding.state, case.binding.reasons[0]["code"]) == ("refused", "not_sent")
    assert case.quote_state == "quoted"


def test_a_sealed_answer_leaves_for_the_carrier_alone(
    demo: Release, harbor: Tenant, s1: Sample, carrier: BindingCarrier, carrier_traffic: MemoryLog
) -> None:
    add_link("QM", carrier.url)
    agent = system_actor("test", source="web")
    with batch.build_context(scope=harbor, actor=agent, as_of=s1.as_of) as context:
        context.changeset.apply_answers(s1.answers, s1.answer_pools)
        (row,) = context.changeset.find_pool("owners").rows
        context.changeset.find_answer(f"{row.path}/mqs_own_dob").apply("1980-02-03")
        context.save()
        copy_id = context.copy.id
    quote_id = offer(copy_id, scope=harbor, actor=agent, product="QM-BOP", reference="QM-31")
    consent(copy_id, quote_id, scope=harbor, actor=agent)
    request_bind(copy_id, quote_id, scope=harbor, actor=agent)

    Dispatcher("default", pool=InTurn()).finish(seconds=60.0)

    (sent,) = carrier.requests
    assert FEIN in json.dumps(sent["answers"])
    assert sent["payment_plan"] == "monthly"
    with use_tenant(harbor):
        assert Binding.objects.get().state == "bound"
        reveals = set(SensitiveReveal.objects.values_list("path", "purpose"))
        stored = json.dumps([row.payload for row in OutboxAction.objects.all()])
    assert ("mqs_fein", "carrier") in reveals
    logged = [record.context.logged_body for record in carrier_traffic.records if record.operation == "bind"]
    assert logged[0] is not None
    assert FEIN not in json.dumps(logged) + stored
    assert "Robin Example" not in json.dumps(logged)
