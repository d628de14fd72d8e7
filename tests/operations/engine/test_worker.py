"""The worker: items end, fail, are tried again, and each is recorded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now

from actions.models import OutboxAction
from batch import service as batch
from operations.engine.claims import Claims
from operations.engine.ends import end_items
from operations.engine.status import OperationState, status_of
from operations.engine.worker import Drained, run_chunk
from operations.errors import LeaseLost
from operations.kinds.kind import ItemEnd
from operations.models import BatchOperation, OperationItem
from tenants.access import Actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.operation_kinds import Rename, TestItem

pytestmark = pytest.mark.django_db
Submit = Callable[..., BatchOperation]
Drain = Callable[..., Drained]


def items_of(operation: BatchOperation) -> list[OperationItem]:
    with across_tenants(using="default"):
        return list(OperationItem.objects.filter(operation_id=operation.id).order_by("number"))


def fresh(operation: BatchOperation) -> BatchOperation:
    with across_tenants(using="default"):
        return BatchOperation.objects.get(pk=operation.id)


def events_of(operation: BatchOperation) -> list[tuple[str, float]]:
    with across_tenants(using="default"):
        rows = OutboxAction.objects.filter(kind="publish_webhook", payload__subject=str(operation.id)).order_by("id")
        return [
            (row.payload["event_type"].removeprefix("batch_operation."), row.payload["data"]["progress_percent"])
            for row in rows
        ]


def versions(forms: list[UUID], *, scope: Tenant, actor: Actor) -> list[int]:
    return [batch.find(form, scope=scope, actor=actor).copy.version for form in forms]


def come_due() -> None:
    """Let the waits of items pass."""
    with across_tenants(using="default"):
        OperationItem.objects.exclude(next_attempt_at=None).update(next_attempt_at=Now())
        BatchOperation.objects.exclude(resume_at=None).update(resume_at=Now())


def test_every_item_ends_and_each_copy_is_changed_once(
    submit: Submit, work: Drain, make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    forms = [make_form() for _ in range(5)]
    invalid = TestItem(fault="invalid")
    operation = submit([*(TestItem(form_id=str(form)) for form in forms), invalid])

    drained = work()

    assert (drained.chunks, drained.completed, drained.failed) == (1, 5, 1)
    assert versions(forms, scope=kennels, actor=agent) == [2] * 5
    assert Counter(item.state for item in items_of(operation)) == {"completed": 5, "failed": 1}
    stored = items_of(operation)
    assert (stored[0].version_before, stored[0].version_after, stored[0].result) == (1, 2, {"outcome": "changed"})
    assert (stored[5].error_code, stored[5].error, stored[5].attempts) == ("invalid", "As ordered.", 1)
    with use_tenant(kennels):
        status = status_of(fresh(operation))
    assert (status.state, status.progress_percent, status.success_rate) == (OperationState.PARTIAL, 100.0, 83.3)
    assert fresh(operation).work_seconds > fresh(operation).database_seconds > 0
    assert work().chunks == 0


def test_what_is_recorded_is_undone_with_the_save_when_the_lease_is_lost(
    submit: Submit,
    rename: Rename,
    make_form: Callable[..., UUID],
    kennels: Tenant,
    agent: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forms = [make_form() for _ in range(3)]
    operation = submit([TestItem(form_id=str(form)) for form in forms])
    with across_tenants(using="default"):
        claim = Claims("default", lease=60).claim(operation.id, limit=10)
        assert claim is not None
        # Another worker took one of the items over.
        OperationItem.objects.filter(pk=claim.items[1].id).update(lease_token=uuid4())
    drained = Drained()

    run_chunk(claim, alias="default", drained=drained)

    assert drained.lost == 1
    assert versions(forms, scope=kennels, actor=agent) == [1, 1, 1]
    assert {item.state for item in items_of(operation)} == {"in_progress"}
    assert fresh(operation).completed == 0


def test_transient_faults_are_tried_three_times_more_after_two_four_and_eight_seconds(
    submit: Submit, work: Drain
) -> None:
    operation = submit([TestItem(), TestItem(fault="transient"), TestItem(fault="transient", times=2)])
    waits = []

    for _ in range(4):
        work()
        item = items_of(operation)[1]
        if item.next_attempt_at is not None:
            with across_tenants(using="default"):
                wait = OperationItem.objects.filter(pk=item.pk, next_attempt_at__gt=Now() + timedelta(seconds=1))
                assert wait.exists()
            waits.append(item.attempts)
        come_due()

    states = [(item.state, item.attempts, item.error_code) for item in items_of(operation)]
    assert waits == [1, 2, 3]
    assert states == [("completed", 1, ""), ("failed", 4, "transient"), ("completed", 3, "")]
    assert fresh(operation).finished_at is not None


def test_an_expired_lease_is_claimed_again_and_a_deadly_item_fails_alone(submit: Submit, work: Drain) -> None:
    operation = submit(3)
    with across_tenants(using="default"):
        assert Claims("default", lease=60).claim(operation.id, limit=10)
        OperationItem.objects.filter(number=1).update(crashes=4)
        OperationItem.objects.update(leased_until=Now() - timedelta(seconds=1))

    drained = work()

    states = [(item.state, item.crashes, item.error_code) for item in items_of(operation)]
    assert states == [("completed", 1, ""), ("failed", 5, "worker_stopped"), ("completed", 1, "")]
    assert drained.chunks == 2


def test_an_item_that_raises_spoils_no_other_item(submit: Submit, work: Drain, rename: Rename) -> None:
    operation = submit([TestItem(), TestItem(fault="raises"), TestItem()])

    work()

    assert [item.state for item in items_of(operation)] == ["completed", "queued", "completed"]
    assert rename.chunks == [[0, 1, 2], [0], [1], [2]]


def test_an_operation_emits_one_event_for_each_tenth_and_one_at_its_end(
    submit: Submit, work: Drain, rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "chunk_size", 3)
    operation = submit(60)

    work()

    events = events_of(operation)
    assert events[0] == ("processing", 0.0)
    assert events[-1] == ("completed", 100.0)
    assert [name for name, _ in events[1:-1]] == ["progress"] * 9
    percents = [percent for _, percent in events]
    assert percents == sorted(percents)


def test_the_circuit_breaker_pauses_and_goes_on_by_itself(
    submit: Submit, work: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "chunk_size", 5)
    operation = submit([TestItem(fault="transient", times=1)] * 40)

    first = work()
    paused = fresh(operation)
    come_due()
    come_due()
    for _ in range(10):
        work()
        come_due()

    assert first.chunks == 3
    assert paused.paused_at is not None
    assert "does not respond" in paused.pause_reason
    ended = fresh(operation)
    assert (ended.completed, ended.failed, ended.paused_at) == (40, 0, None)


def test_an_operation_stops_after_too_many_failures_but_not_before_enough_items(
    submit: Submit, work: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "chunk_size", 10)
    items = [TestItem(fault="invalid" if number % 5 == 0 else "") for number in range(50)]
    operation = submit(items, options={"stop_after_failures_percent": 10})

    work()

    ended = fresh(operation)
    assert (ended.completed, ended.failed, ended.cancelled) == (16, 4, 30)
    assert ended.stopped_reason.startswith("More than 10 percent of the items failed, so the rest was cancelled.")
    assert events_of(operation)[-1] == ("failed", 100.0)


def test_items_of_others_stay_invisible_to_the_kind(submit: Submit, work: Drain, summit: Tenant) -> None:
    operation = submit(2)
    work()

    with use_tenant(summit):
        assert not BatchOperation.objects.exists()
        assert not OperationItem.objects.exists()
    assert fresh(operation).completed == 2


def test_a_lost_lease_ends_nothing(submit: Submit) -> None:

    operation = submit(1)
    [item] = items_of(operation)
    values: dict[str, Any] = {"alias": "default", "operation_id": operation.id, "tries": {item.id: 1}}
    with across_tenants(using="default"), pytest.raises(LeaseLost):
        end_items([ItemEnd(item_id=item.id)], token=uuid4(), **values)
    assert fresh(operation).completed == 0


def test_an_operation_that_may_not_go_on_does_not_hold_up_others(submit: Submit, work: Drain) -> None:
    stopped = submit(3, creator=Actor(type="api_client", id="0", source="api"), priority=5)
    lost = submit(2, priority=5)
    other = submit(3)
    with across_tenants(using="default"):
        OperationItem.objects.filter(operation_id=lost.id).update(tenant_id=uuid4())

    assert work().completed == 3

    assert (fresh(stopped).cancelled, fresh(other).completed) == (3, 3)
    assert {item.state for item in items_of(lost)} == {"queued"}
