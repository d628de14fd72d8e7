"""Processes are started once per action, resumed at their step, and found when they are abandoned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from actions.kinds import ResumeProcess, StartProcess
from actions.models import OutboxAction
from actions.registry import PermanentFailure, RetryAfter
from batch.context import BatchContext
from batch.processes import runner
from batch.processes.resumption import emit_resumptions
from batch.processes.runner import ProcessKindRegisteredTwice, Works, resume_process, start_process
from forms.models import Process
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.outboxes import delivered

pytestmark = pytest.mark.django_db


class Walk:
    """Work of two steps; the first may fail."""

    def __init__(self, *, failures: int = 0) -> None:
        self.steps: list[str] = []
        self._failures = failures

    def __call__(self, context: BatchContext, process_id: UUID) -> None:
        process = context.changeset.processes.find(process_id)
        self.steps.append(process.row.step)
        if process.row.step == "":
            process.go_on("back")
            context.save()
            if self._failures:
                self._failures -= 1
                raise RuntimeError
        context.changeset.processes.find(process_id).complete()
        context.save()


def works_of(walk: Walk) -> Works:
    works = Works()
    works.register("walk", walk)
    return works


@pytest.fixture
def copy_id(make_form: Callable[..., UUID]) -> UUID:
    return make_form()


def order(copy_id: UUID) -> StartProcess:
    return StartProcess(copy_id=str(copy_id), process_kind="walk", details={"dog": "Rex"})


def processes(tenant: Tenant) -> list[Process]:
    with use_tenant(tenant):
        return list(Process.objects.all())


def test_a_process_is_started_and_runs(copy_id: UUID, kennels: Tenant) -> None:
    walk = Walk()

    with use_tenant(kennels):
        start_process(delivered(order(copy_id), kennels), works=works_of(walk))

    (process,) = processes(kennels)
    assert (process.kind, process.state, process.details["dog"]) == ("walk", "completed", "Rex")
    assert walk.steps == [""]


def test_a_repeated_delivery_does_not_start_it_again(copy_id: UUID, kennels: Tenant) -> None:
    walk, action = Walk(), delivered(order(copy_id), kennels)

    with use_tenant(kennels):
        for _ in range(2):
            start_process(action, works=works_of(walk))
        start_process(delivered(order(copy_id), kennels), works=works_of(walk))

    assert [process.state for process in processes(kennels)] == ["completed"] * 2
    assert walk.steps == ["", ""]


def test_a_worker_that_was_thought_dead_does_not_start_it_a_second_time(
    copy_id: UUID, kennels: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, action, lock = Walk(), delivered(order(copy_id), kennels), runner.batch.find_and_lock

    def lock_after_another_one(*arguments: Any, **named: Any) -> Any:
        # Stopped just before it gets the lock; meanwhile its lease expired and another worker did the work.
        monkeypatch.setattr(runner.batch, "find_and_lock", lock)
        start_process(action, works=works_of(walk))
        return lock(*arguments, **named)

    monkeypatch.setattr(runner.batch, "find_and_lock", lock_after_another_one)
    with use_tenant(kennels):
        start_process(action, works=works_of(walk))

    assert [process.state for process in processes(kennels)] == ["completed"]
    assert walk.steps == [""]


def test_after_a_failure_it_resumes_at_its_step(copy_id: UUID, kennels: Tenant) -> None:
    walk, action = Walk(failures=1), delivered(order(copy_id), kennels)

    with use_tenant(kennels):
        with pytest.raises(RuntimeError):
            start_process(action, works=works_of(walk))
        start_process(action, works=works_of(walk))

    assert [process.state for process in processes(kennels)] == ["completed"]
    assert walk.steps == ["", "back"]


def test_an_abandoned_process_is_resumed_once(copy_id: UUID, kennels: Tenant) -> None:
    walk = Walk(failures=1)
    with use_tenant(kennels), pytest.raises(RuntimeError):
        start_process(delivered(order(copy_id), kennels), works=works_of(walk))
    assert emit_resumptions("default") == 0
    pass_minutes(3)

    assert emit_resumptions("default") == 1
    assert emit_resumptions("default") == 0
    with use_tenant(kennels):
        asked = OutboxAction.objects.get(kind="resume_process")
        assert asked.payload == {"copy_id": str(copy_id), "process_id": str(processes(kennels)[0].pk)}
        resume_process(delivered(ResumeProcess(**asked.payload), kennels), works=works_of(walk))

    assert [process.state for process in processes(kennels)] == ["completed"]
    assert emit_resumptions("default", idle=timedelta(0)) == 0


def test_a_running_process_is_not_resumed(copy_id: UUID, kennels: Tenant) -> None:
    walk = Walk(failures=1)
    with use_tenant(kennels):
        with pytest.raises(RuntimeError):
            start_process(delivered(order(copy_id), kennels), works=works_of(walk))
        hold = "UPDATE forms_process SET held_until = clock_timestamp() + interval '10 seconds'"
        with connection.cursor() as cursor:
            cursor.execute(hold)
        process = Process.objects.get()
        resume = ResumeProcess(copy_id=str(copy_id), process_id=str(process.pk))

        with pytest.raises(RetryAfter):
            resume_process(delivered(resume, kennels), works=works_of(walk))

    assert walk.steps == [""]


def test_impossible_work_fails_permanently(copy_id: UUID, kennels: Tenant) -> None:
    with use_tenant(kennels):
        with pytest.raises(PermanentFailure, match="No work"):
            start_process(delivered(order(copy_id), kennels), works=Works())
        with pytest.raises(PermanentFailure, match="no longer exists"):
            start_process(delivered(order(uuid4()), kennels), works=works_of(Walk()))
        with pytest.raises(PermanentFailure, match="no such process"):
            gone = ResumeProcess(copy_id=str(copy_id), process_id=str(uuid4()))
            resume_process(delivered(gone, kennels), works=works_of(Walk()))

    assert processes(kennels) == []


def test_a_kind_has_one_work() -> None:
    works = works_of(Walk())

    with pytest.raises(ProcessKindRegisteredTwice):
        works.register("walk", Walk())


def pass_minutes(minutes: int) -> None:
    with use_tenant(Tenant.objects.get(code="kennels")), connection.cursor() as cursor:
        cursor.execute("UPDATE forms_process SET updated_at = updated_at - make_interval(mins => %s)", [minutes])
