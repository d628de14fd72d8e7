"""The circuit breaker pauses all operations of a kind in a tenant, tries one chunk, and lets all go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from operations.engine.breaker import AWAY, join_pause, note_fault, note_success, take_trial
from operations.engine.chunk_run import ChunkResult
from operations.engine.limits import FAULTS_TO_PAUSE
from operations.engine.status import OperationState, status_of
from operations.engine.worker import Drained
from operations.kinds import registry
from operations.kinds.kind import ItemEnd, Refusal
from operations.models import BatchOperation, OperationItem
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.operation_kinds import Rename, TestItem, store

pytestmark = pytest.mark.django_db
Submit = Callable[..., BatchOperation]
Drain = Callable[..., Drained]


class Other(Rename):
    """Another kind."""

    code = "test_other"


def fresh(operation: BatchOperation) -> BatchOperation:
    with across_tenants(using="default"):
        return BatchOperation.objects.get(pk=operation.id)


def open_breaker(operation: BatchOperation, *, times: int = FAULTS_TO_PAUSE) -> None:
    for _ in range(times):
        with across_tenants(using="default"):
            note_fault(operation, alias="default")


def end_pauses() -> None:
    """Let the pauses come to their ends."""
    with across_tenants(using="default"):
        BatchOperation.objects.exclude(resume_at=None).update(resume_at=Now() - timedelta(seconds=1))


def take(operation: BatchOperation) -> bool:
    with across_tenants(using="default"):
        return take_trial(operation, seconds=60, alias="default")


@pytest.fixture
def other(rename: Rename, monkeypatch: pytest.MonkeyPatch) -> Other:
    """Register another kind."""
    kind = Other()
    monkeypatch.setattr(registry, "KINDS", {**registry.KINDS, kind.code: kind})
    return kind


def test_faults_of_different_operations_of_a_kind_pause_all_of_them(submit: Submit, kennels: Tenant) -> None:
    first, second, third = submit(2), submit(2), submit(2)

    for operation in (first, second):
        open_breaker(operation, times=1)
    before = [fresh(one).paused_at for one in (first, second, third)]
    open_breaker(third, times=1)

    assert before == [None] * 3
    for operation in (first, second, third):
        found = fresh(operation)
        assert (found.faults_in_row, found.pause_reason) == (FAULTS_TO_PAUSE, AWAY)
        with use_tenant(kennels):
            assert status_of(found).state is OperationState.PAUSED


def test_other_kinds_and_tenants_and_pauses_by_order_are_left_alone(
    submit: Submit, other: Other, kennels: Tenant, summit: Tenant
) -> None:
    faulty, ordered = submit(2), submit(2, paused_at=Now(), pause_reason="By staff.")
    with use_tenant(kennels):
        of_other_kind = store([TestItem()], tenant=kennels, kind_code=other.code)
    with use_tenant(summit):
        of_other_tenant = store([TestItem()], tenant=summit)

    open_breaker(faulty)

    assert fresh(faulty).paused_at is not None
    assert fresh(of_other_kind).paused_at is None
    assert fresh(of_other_tenant).paused_at is None
    assert (fresh(ordered).resume_at, fresh(ordered).pause_reason) == (None, "By staff.")


def test_one_worker_gets_the_trial_and_its_fault_makes_the_pause_longer(submit: Submit) -> None:
    first, second = submit(2), submit(2)
    open_breaker(first)

    too_early = take(first)
    end_pauses()
    taken = [take(second), take(first)]
    open_breaker(second, times=1)

    assert not too_early
    assert taken == [True, False]
    found = fresh(first)
    with across_tenants(using="default"):
        longer = BatchOperation.objects.filter(pk=first.id, resume_at__gt=Now() + timedelta(seconds=8))
        assert longer.exists()
    assert found.faults_in_row == FAULTS_TO_PAUSE + 1


def test_a_success_lets_all_of_the_kind_go_on(submit: Submit) -> None:
    first, second = submit(2), submit(2)
    open_breaker(first)

    with across_tenants(using="default"):
        note_success(second, alias="default")

    for operation in (first, second):
        found = fresh(operation)
        assert (found.faults_in_row, found.paused_at, found.resume_at, found.pause_reason) == (0, None, None, "")


def test_a_new_operation_joins_the_pause_of_its_kind(submit: Submit) -> None:
    faulty, new = submit(2), submit(2)
    with across_tenants(using="default"):
        BatchOperation.objects.filter(pk=new.id).update(finished_at=Now())
        open_breaker(faulty)
        BatchOperation.objects.filter(pk=new.id).update(finished_at=None)
        join_pause(new, alias="default")

    assert new.paused_at is not None
    assert fresh(new).resume_at == fresh(faulty).resume_at


def test_the_worker_tries_one_chunk_of_the_kind_and_then_works_on_all(
    submit: Submit, work: Drain, rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "chunk_size", 2)
    away, sound = submit([TestItem(fault="transient", times=1)] * 6), submit(6)
    with across_tenants(using="default"):
        BatchOperation.objects.filter(pk=away.id).update(priority=5)

    work()
    paused = [fresh(one).paused_at is not None for one in (away, sound)]
    in_pause = work().chunks
    end_pauses()
    work()

    assert paused == [True, True]
    assert in_pause == 0
    # The trial: the items of the first operation wait for their next attempt, so the second one's are taken.
    ended = fresh(sound)
    assert (ended.completed, ended.paused_at) == (6, None)
    assert fresh(away).paused_at is None


def test_a_trial_of_a_single_item_that_meets_the_fault_makes_the_pause_longer(submit: Submit, work: Drain) -> None:
    operation = submit([TestItem(fault="transient")])
    work()
    before = fresh(operation).faults_in_row
    open_breaker(operation)
    end_pauses()
    with across_tenants(using="default"):
        OperationItem.objects.update(next_attempt_at=None)

    work()

    assert (before, fresh(operation).faults_in_row) == (0, FAULTS_TO_PAUSE + 1)


@pytest.mark.parametrize("code", ["plan_gone", "unreadable_input", "worker_stopped", "missing_right"])
def test_items_that_are_refused_without_work_say_nothing_about_what_the_kind_needs(code: str) -> None:
    untried = [ItemEnd(item_id=UUID(int=1), refusal=Refusal(code=code, detail=""))] * 9
    away = [ItemEnd(item_id=UUID(int=2), refusal=Refusal(code="unavailable", detail="", transient=True))] * 2
    found = [ChunkResult(ends=ends, counts=None, seconds=1.0) for ends in (untried, untried + away)]

    assert [(one.is_sound, one.is_faulty) for one in found] == [(False, False), (False, True)]


def test_items_that_fail_for_their_own_reasons_close_the_breaker(submit: Submit, work: Drain) -> None:
    operation: Any = submit([TestItem(fault="invalid")] * 3)
    open_breaker(operation)
    end_pauses()

    work()

    found = fresh(operation)
    assert (found.failed, found.faults_in_row) == (3, 0)
