"""Plans: a dry run changes nothing, and a run does what was planned or refuses the item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from copies.models import Copy
from operations.engine.plans import plan_hash
from operations.models import BatchOperation, OperationItem
from operations.submission.errors import InvalidOrder, NotAPlan, PlanMoved
from operations.submission.order import Submitted
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.operation_orders import renamed

pytestmark = pytest.mark.django_db

Submit = Callable[..., Submitted]
Run = Callable[[Submitted], BatchOperation]


@pytest.fixture
def plan(submit: Submit, run: Run, forms: list[UUID]) -> BatchOperation:
    return run(submit([*renamed(forms), *renamed([UUID(int=9)])], options={"dry_run": True}))


def versions(kennels: Tenant) -> list[int]:
    with use_tenant(kennels):
        return list(Copy.objects.order_by("created_at", "id").values_list("version", flat=True))


def change(form_id: UUID, name: str, *, tenant: Tenant, actor: Actor) -> None:
    with batch.find_and_lock(form_id, scope=tenant, actor=actor) as context:
        context.changeset.apply_answers({"kennel_name": name}, {})
        context.save()


def outcomes(operation: BatchOperation, tenant: Tenant) -> list[tuple[str, str]]:
    with use_tenant(tenant):
        rows = OperationItem.objects.filter(operation_id=operation.id).order_by("number")
        return [(row.state, row.error_code or row.result["outcome"]) for row in rows]


def test_a_plan_is_carried_out(submit: Submit, run: Run, plan: BatchOperation, kennels: Tenant) -> None:
    assert versions(kennels) == [1, 1, 1]
    assert len(plan.plan_hash) == 64
    with use_tenant(kennels):
        assert plan.plan_hash == plan_hash(plan)

    done = run(submit(plan=plan.id, plan_hash=plan.plan_hash))

    assert versions(kennels) == [2, 2, 2]
    assert (done.planned_by, done.kind, done.total, done.completed) == (plan.id, "set_answers", 3, 3)
    with use_tenant(kennels):
        # The run reports what the plan promised.
        assert plan_hash(done) == plan.plan_hash


def test_the_same_plan_has_the_same_hash(submit: Submit, run: Run, plan: BatchOperation, forms: list[UUID]) -> None:
    again = run(submit(renamed(forms), options={"dry_run": True}))
    other = run(submit(renamed(forms, "Kennel 1"), options={"dry_run": True}))

    assert again.plan_hash == plan.plan_hash
    assert other.plan_hash != plan.plan_hash


def test_a_plan_whose_copies_were_changed_is_refused(
    submit: Submit, plan: BatchOperation, forms: list[UUID], kennels: Tenant, agent: Actor
) -> None:
    change(forms[1], "Other", tenant=kennels, actor=agent)

    with pytest.raises(PlanMoved, match="The result would differ from the plan") as refused:
        submit(plan=plan.id, plan_hash=plan.plan_hash)

    assert [fault.path for fault in refused.value.faults] == ["items/1"]
    with use_tenant(kennels):
        assert BatchOperation.objects.count() == 1
    assert sum(versions(kennels)) == 4


def test_an_item_whose_copy_is_changed_later_is_refused_and_the_rest_goes_on(
    submit: Submit, run: Run, plan: BatchOperation, forms: list[UUID], kennels: Tenant, agent: Actor
) -> None:
    submitted = submit(plan=plan.id, plan_hash=plan.plan_hash)
    change(forms[1], "Other", tenant=kennels, actor=agent)

    done = run(submitted)

    moved, changed = ("failed", "plan_moved"), ("completed", "changed")
    assert outcomes(done, kennels) == [changed, moved, changed]
    assert versions(kennels) == [2, 2, 2]
    kept = batch.find_changeset(forms[1], scope=kennels, actor=agent).find_answer("kennel_name").value
    assert kept == "Other"


def test_a_copy_that_would_not_change_any_more_is_refused_too(
    submit: Submit, run: Run, plan: BatchOperation, forms: list[UUID], kennels: Tenant, agent: Actor
) -> None:
    submitted = submit(plan=plan.id, plan_hash=plan.plan_hash)
    change(forms[1], "Copper Paw", tenant=kennels, actor=agent)

    assert outcomes(run(submitted), kennels)[1] == ("failed", "plan_moved")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"items": []}, "/plan"),
        ({"kind": "set_answers"}, "/plan"),
        ({"arguments": {"answers": {}}}, "/plan"),
        ({"options": {"dry_run": True}}, "/options/dry_run"),
    ],
)
def test_a_plan_comes_alone(submit: Submit, plan: BatchOperation, fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        submit(plan=plan.id, **fields)

    assert refused.value.faults[0].pointer == pointer


def test_only_a_finished_dry_run_is_a_plan(
    submit: Submit, run: Run, plan: BatchOperation, forms: list[UUID], summit: Tenant, system: Actor
) -> None:
    waiting = submit(renamed(forms), options={"dry_run": True})
    with pytest.raises(NotAPlan, match="has not ended"):
        submit(plan=waiting.operation.id, plan_hash="0" * 64)
    with pytest.raises(NotAPlan, match="another hash"):
        submit(plan=plan.id, plan_hash="0" * 64)
    with pytest.raises(NotAPlan, match="no dry run"):
        submit(plan=UUID(int=5), plan_hash="0" * 64)
    with pytest.raises(NotAPlan, match="no dry run"):
        submit(plan=run(submit(renamed(forms))).id, plan_hash="0" * 64)


def test_a_plan_needs_its_hash(submit: Submit, plan: BatchOperation, kennels: Tenant) -> None:
    with pytest.raises(InvalidOrder, match="plan_hash") as refused:
        submit(plan=plan.id)

    assert (refused.value.faults[0].pointer, refused.value.faults[0].code) == ("/plan_hash", "required")
    with use_tenant(kennels):
        assert BatchOperation.objects.count() == 1


@pytest.mark.parametrize("loss", ["deleted", "items deleted", "made anew"])
def test_nothing_is_done_without_the_plan_that_was_agreed_to(
    submit: Submit, run: Run, plan: BatchOperation, kennels: Tenant, loss: str
) -> None:
    submitted = submit(plan=plan.id, plan_hash=plan.plan_hash)
    with use_tenant(kennels):
        if loss == "made anew":
            BatchOperation.objects.filter(pk=plan.id).update(plan_hash="1" * 64)
        else:
            OperationItem.objects.filter(operation_id=plan.id).delete()
        if loss == "deleted":
            BatchOperation.objects.filter(pk=plan.id).delete()

    done = run(submitted)

    assert outcomes(done, kennels) == [("failed", "plan_gone")] * 3
    assert versions(kennels) == [1, 1, 1]
