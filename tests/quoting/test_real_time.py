"""Carriers that are asked while a form is filled in: what a save emits, what is called, recorded and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace as with_values
from typing import Any
from uuid import UUID

import msgspec
import pytest

from actions.kinds import EvaluateRealTimeEligibility
from actions.registry import Delivered, RetryAfter
from batch import service as batch
from batch.changes import real_time as save_step
from batch.changes.changeset import Changeset
from batch.changes.records import SaveResult
from carriers.links.errors import CarrierUnreachable
from carriers.links.wire import CarrierMessage, Eligibility, EligibilityStatus, MessageKind, Reason
from quoting.real_time import CheckedRisk, RealTimeEvaluation, current_results
from tenants.access import Actor, system_actor
from tenants.models import Tenant
from tests.harness.carrier_links import add_link
from tests.harness.outboxes import delivered

pytestmark = pytest.mark.django_db

PRODUCT = "PA-CARE"
REFERS = Eligibility(
    status=EligibilityStatus.REFER,
    reasons=(Reason(code="R1", text="Many dogs"),),
    messages=(CarrierMessage(kind=MessageKind.WARNING, text="Send the license"),),
)


class StubClient:
    """The carrier's end of the call; the client itself is tested with the simulator."""

    def __init__(self, reply: Eligibility | Exception) -> None:
        self.reply, self.calls = reply, 0

    async def check_eligibility(self, product: str, risk: dict[str, Any], *, context: object) -> Eligibility:
        self.calls += 1
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


@pytest.fixture(autouse=True)
def in_real_time(monkeypatch: pytest.MonkeyPatch, kennels: Tenant) -> None:
    """Let the carrier PA be asked in real time."""
    inner = save_step.evaluate_in_real_time

    def flagged(changeset: Changeset, **evaluations: Any) -> None:
        (carrier,) = [one for one in changeset.catalogue.definition.carriers if one.code == "PA"]
        link = carrier.link
        # The compiled catalogue is shared by all tests.
        msgspec.structs.force_setattr(carrier, "link", msgspec.structs.replace(link, real_time=True))
        try:
            inner(changeset, **evaluations)
        finally:
            msgspec.structs.force_setattr(carrier, "link", link)

    monkeypatch.setattr("batch.save.evaluate_in_real_time", flagged)
    add_link("PA", "https://quotes.carrier.example", catalogue=kennels.catalogue)


@pytest.fixture
def form_id(make_form: Callable[..., UUID]) -> UUID:
    return make_form()


def save(form_id: UUID, scope: Tenant, actor: Actor, **answers: object) -> SaveResult:
    with batch.find_and_lock(form_id, scope=scope, actor=actor) as context:
        context.changeset.apply_answers(answers)
        return context.save()


def emitted(result: SaveResult) -> int:
    return sum(action.kind == "evaluate_real_time_eligibility" for action in result.actions)


def action_of(form_id: UUID, tenant: Tenant, *, attempt: int = 2) -> Delivered:
    kind = EvaluateRealTimeEligibility(copy_id=str(form_id), product=PRODUCT, carrier="PA")
    return with_values(delivered(kind, tenant), attempt=attempt)


def evaluate(form_id: UUID, tenant: Tenant, client: StubClient) -> CheckedRisk | None:
    """Run the steps of the action as the dispatcher does."""
    evaluation, action = RealTimeEvaluation(), action_of(form_id, tenant)
    call = evaluation.prepare(batch.find(form_id, scope=tenant, actor=system_actor("carriers")), action)
    if call is None:
        return None
    reply = asyncio.run(call.make(client))  # type: ignore[arg-type]
    with batch.find_and_lock(form_id, scope=tenant, actor=system_actor("carriers")) as context:
        evaluation.conclude(context, action, reply)
        context.save()
    return reply


def shown(form_id: UUID, tenant: Tenant, actor: Actor) -> list[tuple[str, list[dict[str, str]]]]:
    context = batch.find(form_id, scope=tenant, actor=actor)
    return [(row.outcome, row.messages) for row in current_results(context)]


def test_a_save_asks_where_the_payload_changed(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    relevant = save(form_id, kennels, agent, state="OH")
    same = save(form_id, kennels, agent, state="OH")
    by_a_job = save(form_id, kennels, system_actor("job"), state="TX")

    assert [emitted(one) for one in (relevant, same, by_a_job)] == [1, 0, 0]


def test_further_saves_are_waited_for(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    context = batch.find(form_id, scope=kennels, actor=agent)

    with pytest.raises(RetryAfter):
        RealTimeEvaluation().prepare(context, action_of(form_id, kennels, attempt=1))


def test_the_same_answers_are_asked_about_once(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    client = StubClient(REFERS)

    assert evaluate(form_id, kennels, client) is not None
    assert evaluate(form_id, kennels, client) is None

    assert client.calls == 1
    assert shown(form_id, kennels, agent) == [("refer", [{"kind": "warning", "text": "Send the license"}])]


def test_a_result_about_other_answers_is_not_current(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    evaluate(form_id, kennels, StubClient(REFERS))

    save(form_id, kennels, agent, state="OH")
    outdated = shown(form_id, kennels, agent)
    evaluate(form_id, kennels, StubClient(msgspec.structs.replace(REFERS, status=EligibilityStatus.OPEN)))

    assert outdated == []
    assert [outcome for outcome, _ in shown(form_id, kennels, agent)] == ["eligible"]


def test_a_broken_carrier_leaves_no_result(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    client = StubClient(CarrierUnreachable("PA"))

    evaluate(form_id, kennels, client)

    assert (client.calls, shown(form_id, kennels, agent)) == (1, [])
