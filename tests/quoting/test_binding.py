"""From a quote to a request to bind it: one precise refusal per reason, consent to exactly what was shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from actions.models import OutboxAction
from batch import binding_errors as errors
from batch import service as batch
from batch.context import BatchContext
from batch.errors import BatchError, CopyIsLocked, NotFound
from carriers.links import wire
from forms.models import Binding
from presentation.consent_wording import wording_hash
from quoting import binding
from quoting.binding_results import receive_binding
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.bindings import TO_BIND, change, consent, given, offer, prepared, request_bind, require

pytestmark = pytest.mark.django_db

Act = Callable[[BatchContext], object]


class Quote:
    """One quote of a form, on its way to a policy."""

    def __init__(self, copy_id: UUID, scope: Tenant, actor: Actor, **values: Any) -> None:
        self.copy_id, self.scope, self.actor = copy_id, scope, actor
        self.id = offer(copy_id, scope=scope, actor=actor, **values)

    def change(self, act: Act, *, actor: Actor | None = None) -> None:
        change(self.copy_id, act, scope=self.scope, actor=actor or self.actor)

    def answer(self, **answers: object) -> None:
        self.change(lambda context: context.changeset.apply_answers(answers))

    def consent(self) -> None:
        consent(self.copy_id, self.id, scope=self.scope, actor=self.actor)

    def bind(self) -> None:
        request_bind(self.copy_id, self.id, scope=self.scope, actor=self.actor)

    def receive(self, status: str, **values: Any) -> None:
        row = self.binding
        message = wire.Binding(
            reference="PA-1",
            bind_token=row.bind_token,
            status=wire.BindingStatus(status),
            updated_at=datetime.now(UTC),
            **values,
        )
        self.change(lambda context: receive_binding(context.changeset, message), actor=system_actor("carriers"))

    @property
    def prepared(self) -> binding.Preparation:
        return prepared(self.copy_id, self.id, scope=self.scope, actor=self.actor)

    @property
    def refusals(self) -> list[type[BatchError]]:
        return [type(error) for error in self.prepared.refusals]

    @property
    def binding(self) -> Binding:
        with use_tenant(self.scope):
            return Binding.objects.get(quote_request_id=self.id)

    @property
    def actions(self) -> set[str]:
        with use_tenant(self.scope):
            return set(OutboxAction.objects.values_list("kind", flat=True))


@pytest.fixture
def quote(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> Quote:
    """Return a quote that only lacks the consent."""
    return Quote(make_form(TO_BIND), kennels, agent)


def test_a_quote_is_bound_by_consent_and_the_carriers_policy(quote: Quote) -> None:
    assert quote.refusals == [errors.ConsentIsMissing]

    quote.consent()
    assert quote.refusals == []
    quote.bind()

    row = quote.binding
    assert (row.state, row.carrier_reference, len(row.bind_token)) == ("requested", "PA-1", 32)
    assert "bind_quote_request" in quote.actions
    quote.receive("bound", policy_number="P-77")
    assert (quote.binding.state, quote.binding.policy_number) == ("bound", "P-77")
    context = batch.find(quote.copy_id, scope=quote.scope, actor=quote.actor)
    assert context.copy.fields.lock_reason == "Bound: policy P-77"
    assert context.loaded.is_bound
    assert [(row.state, row.policy_number) for row in context.attached["quote_requests"]] == [("bound", "P-77")]


def test_the_wording_names_everything_that_is_agreed(quote: Quote) -> None:
    wording = quote.prepared.wording

    assert wording.startswith(
        "Happy Tails asks Pawprint Mutual to bind Animals in care insurance as offered in quote PA-1.\n\n"
        "The premium is $640 a year."
    )
    assert quote.prepared.wording_hash == wording_hash(wording)
    quote.consent()
    stored = quote.binding.consent
    assert (stored["wording"], stored["wording_hash"]) == (wording, wording_hash(wording))
    assert (stored["accepted_by"], stored["recorded_by"], stored["document_version"]) == (
        "Pat Example",
        "Robin Agent",
        4,
    )


def _stale(context: BatchContext) -> None:
    next(iter(context.changeset.quote_requests)).mark_stale("Revenue changed")


def _another(context: BatchContext) -> None:
    request = context.changeset.quote_requests.request("PA-CARE")
    request.queue()


def _condition(context: BatchContext) -> None:
    (request,) = context.changeset.quote_requests
    require(context, request.id)


@pytest.mark.parametrize(
    ("act", "wanted"),
    [
        (_stale, errors.QuoteIsStale),
        (lambda context: next(iter(context.changeset.quote_requests)).withdraw(), errors.NoQuoteToBind),
        (_another, errors.QuoteIsReplaced),
        (lambda context: context.changeset.apply_answers({"owner_ssn": None}), errors.AnswersNeededToBind),
        (_condition, errors.SubjectivityIsOpen),
        (lambda context: context.changeset.copy.lock(reason="Reviewing"), CopyIsLocked),
    ],
)
def test_each_obstacle_has_its_own_error(quote: Quote, act: Act, wanted: type[BatchError]) -> None:
    quote.consent()

    quote.change(act)

    assert quote.refusals[0] is wanted
    with pytest.raises(wanted):
        quote.bind()
    assert quote.binding.state == "draft"
    assert "bind_quote_request" not in quote.actions


@pytest.mark.parametrize(
    ("values", "wanted"),
    [({"is_bindable": False}, errors.QuoteIsIndication)],
)
def test_an_indication_is_not_bound(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, values: dict[str, Any], wanted: type[BatchError]
) -> None:
    quote = Quote(make_form(TO_BIND), kennels, agent, **values)

    with pytest.raises(wanted):
        quote.consent()
    with pytest.raises(wanted):
        quote.bind()


def test_needed_answers_are_named_by_path(quote: Quote) -> None:
    quote.answer(owner_ssn=None)

    with pytest.raises(errors.AnswersNeededToBind, match="Owner's SSN") as raised:
        quote.bind()

    assert [(fault.path, fault.code) for fault in raised.value.faults] == [("owner_ssn", "needed")]
    assert quote.prepared.questions.needed == ("owner_ssn",)


def test_a_question_of_another_line_is_not_needed(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    # The houses are asked for the line "care" alone; "premises" needs them no more than their fences.
    quote = Quote(make_form({**TO_BIND, "lines": ["care", "premises"]}), kennels, agent)

    assert quote.prepared.questions.asked == ("owner_ssn",)
    assert quote.prepared.questions.needed == ()


def test_consent_to_another_wording_is_refused(quote: Quote) -> None:
    other = wording_hash(quote.prepared.wording + " ")

    with pytest.raises(errors.WordingHasChanged):
        quote.change(lambda context: binding.give_consent(context, quote.id, given(other)))

    with use_tenant(quote.scope):
        assert not Binding.objects.exists()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda context: context.changeset.apply_answers({"kennel_name": "Other Tails"}), id="wording"),
        pytest.param(_stale, id="stale"),
        pytest.param(lambda context: next(iter(context.changeset.quote_requests))._change(premium=641), id="premium"),
        pytest.param(
            lambda context: next(iter(context.changeset.quote_requests))._change(carrier_reference="PA-2"), id="quote"
        ),
        pytest.param(
            lambda context: next(iter(context.changeset.quote_requests))._change(
                changes=[{"label": "Limit", "asked": "1M", "offered": "500k"}]
            ),
            id="terms",
        ),
    ],
)
def test_consent_is_void_after_a_change(quote: Quote, act: Act) -> None:
    quote.consent()

    quote.change(act)

    assert quote.binding.consent == {}
    assert quote.binding.consent_void_reason
    assert errors.ConsentIsVoid in quote.refusals
    with pytest.raises(errors.CannotBind):
        quote.bind()


def test_an_answer_that_the_carrier_was_sent_ends_quote_and_consent_in_one_save(quote: Quote) -> None:
    quote.consent()

    quote.answer(state="OH")

    assert quote.binding.consent == {}
    assert quote.binding.consent_void_reason.startswith("The quote is stale: ")
    assert quote.refusals == [errors.QuoteIsStale, errors.ConsentIsVoid]
    with pytest.raises(errors.QuoteIsStale):
        quote.bind()
    # The quote comes back with the answer; the consent does not.
    quote.answer(state="TX")
    assert quote.refusals == [errors.ConsentIsVoid]


def test_consent_survives_what_it_is_not_about(quote: Quote) -> None:
    quote.consent()

    quote.change(lambda context: context.changeset.messages.add("Called the owner"))

    assert quote.refusals == []


def test_a_quote_that_becomes_stale_in_the_same_save_is_not_requested(quote: Quote) -> None:
    quote.consent()

    def bind_and_change(context: BatchContext) -> None:
        binding.bind(context, quote.id)
        _stale(context)

    with pytest.raises(errors.QuoteIsStale):
        quote.change(bind_and_change)

    assert quote.binding.state == "draft"


def test_nothing_is_changed_while_the_carrier_binds(quote: Quote) -> None:
    quote.consent()
    quote.bind()

    for act in (
        lambda context: context.changeset.apply_answers({"has_cats": True}),
        lambda context: context.changeset.copy.delete(),
        lambda context: context.changeset.application_form.archive(),
        lambda context: next(iter(context.changeset.quote_requests)).withdraw(),
    ):
        with pytest.raises(errors.BindingUnderWay):
            quote.change(act)

    assert quote.binding.state == "requested"
    quote.change(lambda context: context.changeset.messages.add("Still allowed"))


def test_a_refusal_returns_the_quote_and_asks_for_another_consent(quote: Quote) -> None:
    quote.consent()
    quote.bind()

    quote.receive("refused", reasons=(wire.Reason(code="sanctions", text="Name check failed"),))

    row = quote.binding
    assert (row.state, row.reasons) == ("refused", [{"code": "sanctions", "text": "Name check failed"}])
    assert row.consent == {}
    (request,) = batch.find(quote.copy_id, scope=quote.scope, actor=quote.actor).attached["quote_requests"]
    assert request.state == "quoted"  # type: ignore[attr-defined]
    token = row.bind_token
    quote.consent()
    quote.bind()
    assert quote.binding.bind_token != token


def test_a_late_or_foreign_message_changes_nothing(quote: Quote) -> None:
    quote.consent()
    quote.bind()
    quote.receive("bound", policy_number="P-77")

    quote.receive("refused")

    assert (quote.binding.state, quote.binding.policy_number) == ("bound", "P-77")


def test_the_other_quotes_of_the_line_are_withdrawn(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form(TO_BIND)
    other = offer(form_id, scope=kennels, actor=agent, product="WO-CARE", reference="WO-9")
    quote = Quote(form_id, kennels, agent)
    quote.consent()
    quote.bind()

    quote.receive("bound", policy_number="P-77")

    rows = batch.find(form_id, scope=kennels, actor=agent).attached["quote_requests"]
    assert {row.id: row.state for row in rows} == {other: "withdrawn", quote.id: "bound"}  # type: ignore[attr-defined]
    assert {"cancel_quote_request", "withdraw_quotes_of_line"} <= quote.actions
    refused = prepared(form_id, other, scope=kennels, actor=agent).refusals
    assert errors.LineIsBound in [type(error) for error in refused]


def test_a_carriers_decision_is_recorded_in_a_locked_copy(quote: Quote) -> None:
    quote.consent()
    quote.bind()
    quote.change(lambda context: context.changeset.copy.lock(reason="Weekend"))

    quote.receive("bound", policy_number="P-77")

    assert quote.binding.state == "bound"
    fields = batch.find(quote.copy_id, scope=quote.scope, actor=quote.actor).copy.fields
    assert fields.lock_reason == "Weekend"


def test_an_unknown_quote_is_not_found(quote: Quote) -> None:
    with pytest.raises(NotFound):
        prepared(quote.copy_id, UUID(int=1), scope=quote.scope, actor=quote.actor)
