"""Orders: pause, resume, cancel, retry; dependence, priority, the flag and the creator's rights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db.models.functions import Now
from structlog.testing import capture_logs

from operations.engine import orders, progress
from operations.engine.claims import Claims
from operations.engine.retention import old_items, old_operations
from operations.engine.status import OperationState, OperationStatus, status_of
from operations.engine.worker import Drained
from operations.errors import NothingToRetry, OperationHasEnded, OperationIsNotPaused
from operations.models import BatchOperation, OperationItem
from tenants.access import Actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.flags import BATCH_OPERATIONS
from tenants.models import Flag, Tenant, User
from tests.harness.operation_kinds import Rename, TestItem, store
from tests.operations.engine.test_worker import come_due, events_of, fresh, items_of

pytestmark = pytest.mark.django_db
Submit = Callable[..., BatchOperation]
Drain = Callable[..., Drained]


@pytest.fixture
def order(kennels: Tenant, agent: Actor) -> Callable[..., Any]:
    """Return what gives an order as the tenant's agent."""

    def give(name: str, operation: BatchOperation, **values: Any) -> Any:
        with use_tenant(kennels):
            return getattr(orders, name)(operation, actor=agent, **values)

    return give


def states(operation: BatchOperation) -> Counter[str]:
    return Counter(item.state for item in items_of(operation))


def test_a_paused_operation_waits_and_goes_on(submit: Submit, work: Drain, order: Callable[..., Any]) -> None:
    operation = submit(3)
    order("pause", operation)

    assert work().chunks == 0
    order("resume", operation)
    assert work().completed == 3
    with pytest.raises(OperationHasEnded):
        order("pause", operation)
    with pytest.raises(OperationHasEnded):
        order("resume", operation)


def test_only_a_paused_operation_is_resumed(submit: Submit, order: Callable[..., Any]) -> None:
    operation = submit(3)

    with pytest.raises(OperationIsNotPaused):
        order("resume", operation)


def test_cancel_ends_queued_items_at_once_and_lets_a_running_chunk_end(
    submit: Submit, work: Drain, order: Callable[..., Any], kennels: Tenant
) -> None:
    operation = submit(10)
    with across_tenants(using="default"):
        claim = Claims("default", lease=60).claim(operation.id, limit=4)
    assert claim is not None

    order("cancel", operation)

    assert states(operation) == {"cancelled": 6, "in_progress": 4}
    assert fresh(operation).finished_at is None
    with across_tenants(using="default"):
        Claims("default", lease=60).give_back(claim.token)
    work()
    assert states(operation) == {"cancelled": 10}
    assert events_of(operation)[-1] == ("completed", 100.0)
    with use_tenant(kennels):
        assert status_of(fresh(operation)).state is OperationState.CANCELLED
    with pytest.raises(OperationHasEnded):
        order("cancel", operation)


def test_retry_touches_only_failed_items(submit: Submit, work: Drain, order: Callable[..., Any]) -> None:
    faults = ["", "invalid", "final", "invalid", ""]
    operation = submit([TestItem(fault=fault, times=1) for fault in faults])
    work()
    before = {item.number: item.finished_at for item in items_of(operation)}

    assert order("retry", operation, numbers=[0, 1]) == 1
    assert [item.state for item in items_of(operation)] == ["completed", "queued", "failed", "failed", "completed"]
    assert order("retry", operation) == 1
    with pytest.raises(NothingToRetry) as refusal:
        order("retry", operation)
    assert "1 failed for a reason that does not change" in str(refusal.value)
    assert order("retry", operation, force=True) == 1
    work()

    after = {item.number: item for item in items_of(operation)}
    assert [after[number].finished_at for number in (0, 4)] == [before[0], before[4]]
    assert fresh(operation).completed + fresh(operation).failed == 5
    assert Counter(name for name, _ in events_of(operation))["retry"] == 3


def test_every_order_is_audited_with_the_person_who_gave_it(
    submit: Submit, work: Drain, order: Callable[..., Any], agent: Actor
) -> None:
    operation = submit([TestItem(fault="invalid", times=1), TestItem()])

    with capture_logs() as logs:
        order("pause", operation)
        order("resume", operation)
        work()
        order("retry", operation)
        order("cancel", operation)

    audited = [line for line in logs if line["event"].startswith("audit.operation_")]
    names = [line["event"].removeprefix("audit.operation_") for line in audited]
    assert names == ["paused", "resumed", "retried", "cancelled"]
    assert {(line["operation"], line["actor_id"], line["source"]) for line in audited} == {
        (str(operation.id), agent.id, agent.source)
    }
    assert (audited[2]["items"], audited[2]["force"]) == (1, False)


def test_an_operation_knows_its_cost(
    submit: Submit, work: Drain, rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rename.run
    monkeypatch.setattr(rename, "chunk_size", 2, raising=False)

    def run(items: Any, work: Any) -> Any:
        return [msgspec.structs.replace(end, carrier_calls=3) for end in real(items, work)]

    monkeypatch.setattr(rename, "run", run)
    operation = submit([TestItem(seconds=0.01)] * 4)
    work()

    ended = fresh(operation)
    assert ended.carrier_calls == 12
    assert ended.work_seconds >= 0.04
    assert ended.work_seconds == pytest.approx(sum(item.seconds or 0.0 for item in items_of(operation)), rel=0.01)


def test_an_operation_waits_for_the_one_it_depends_on_whatever_its_end(
    submit: Submit, work: Drain, order: Callable[..., Any], rename: Rename
) -> None:
    first = submit([TestItem(fault="transient", times=1)] * 2)
    second = submit(2, depends_on=first.id, priority=10)

    work()
    assert states(second) == {"queued": 2}
    order("cancel", first)
    work()
    assert states(second) == {"completed": 2}


def test_higher_priorities_run_first_and_tenants_take_turns(
    submit: Submit, work: Drain, rename: Rename, kennels: Tenant, summit: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "chunk_size", 2)
    submit(2, title="low")
    submit(2, priority=5, title="high")
    with use_tenant(summit):
        other = store([TestItem()] * 2, tenant=summit)
    began: list[tuple[Any, str]] = []
    real = rename.run

    def run(items: Any, work: Any) -> Any:
        began.append((work.tenant.id, work.arguments.title))
        return real(items, work)

    monkeypatch.setattr(rename, "run", run)
    work()

    assert [title for tenant, title in began if tenant == kennels.id] == ["high", "low"]
    assert (summit.id, "Renamed") in began[:2]
    assert fresh(other).completed == 2


def test_with_the_flag_off_a_running_operation_pauses_and_goes_on_when_it_is_on(
    submit: Submit, work: Drain, stored_flags: object, kennels: Tenant
) -> None:
    flag = Flag.objects.create(name=BATCH_OPERATIONS, everyone=True, is_on=False)
    operation = submit(3)

    work()
    with use_tenant(kennels):
        paused = status_of(fresh(operation))
    flag.is_on = True
    flag.save()
    come_due()
    work()

    assert paused.state is OperationState.PAUSED
    assert paused.message.startswith("Batch operations are switched off.")
    assert fresh(operation).completed == 3


def test_an_operation_stops_when_its_creator_is_deactivated(submit: Submit, work: Drain, kennels: Tenant) -> None:
    user = User.objects.create_user("robin@example.com", "x", role="agent", tenant=kennels)
    operation = submit(3, creator=user.as_actor(source="web"))
    user.is_active = False
    user.save()

    work()

    ended = fresh(operation)
    assert (ended.cancelled, ended.stopped_reason) == (3, "The user who submitted it no longer has access.")


def test_progress_is_announced_at_most_four_times_a_second_and_never_goes_back(
    submit: Submit, work: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "chunk_size", 2)
    monkeypatch.setattr(progress, "_listeners", [])
    heard: list[tuple[OperationStatus, bool]] = []
    progress.register_listener(lambda operation, status, is_last: heard.append((status, is_last)))
    submit(60)

    work()

    percents = [status.progress_percent for status, _ in heard]
    assert percents == sorted(percents)
    assert percents[-1] == 100.0
    assert [is_last for _, is_last in heard] == [False] * (len(heard) - 1) + [True]
    assert len(heard) < 30


def test_ended_operations_are_deleted_after_their_time(submit: Submit, work: Drain, kennels: Tenant) -> None:
    old, recent = submit(2), submit(2)
    work()
    with use_tenant(kennels):
        BatchOperation.objects.filter(pk=old.pk).update(finished_at=Now() - timedelta(days=8))
        assert set(old_items().values_list("operation_id", flat=True)) == {old.id}
        assert not old_operations().exists()
        old_items().delete()
        assert [one.id for one in old_operations()] == [old.id]
        assert OperationItem.objects.filter(operation_id=recent.id).count() == 2
