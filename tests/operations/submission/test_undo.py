"""The undo of an operation: a new operation that takes back what nobody has changed since, or a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from operations.models import BatchOperation, OperationItem
from operations.submission.errors import InvalidOrder, NotUndoable, NoValidItems
from operations.submission.order import NewOperation, Submitted
from operations.submission.submit import submit as submit_order
from operations.submission.undo import undo
from tenants.access import Actor, MissingRight, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.operation_orders import renamed

pytestmark = pytest.mark.django_db

Submit = Callable[..., Submitted]
Run = Callable[[Submitted], BatchOperation]


def test_an_operation_is_taken_back_by_its_plan(
    submit: Submit, run: Run, forms: list[UUID], kennels: Tenant, system: Actor
) -> None:
    done = run(submit(renamed(forms), title="Names"))

    plan = run(undo(done.id, tenant=kennels, actor=system, is_dry_run=True))
    undone = run(submit(plan=plan.id, plan_hash=plan.plan_hash))

    assert (plan.title, plan.kind, plan.undoes, undone.undoes) == ("Undo of Names", "undo", done.id, done.id)
    assert (undone.total, undone.completed, undone.failed) == (3, 3, 0)
    assert names(forms, kennels, system) == ["Kennel 0", "Kennel 1", "Kennel 2"]


def names(forms: list[UUID], tenant: Tenant, actor: Actor) -> list[Any]:
    return [
        batch.find_changeset(form_id, scope=tenant, actor=actor).find_answer("kennel_name").value for form_id in forms
    ]


def test_it_says_why_it_cannot(submit: Submit, run: Run, forms: list[UUID], kennels: Tenant, system: Actor) -> None:
    def refused(operation: BatchOperation) -> str:
        with pytest.raises(NotUndoable) as error:
            undo(operation.id, tenant=kennels, actor=system)
        return str(error.value)

    planned = run(submit(renamed(forms), options={"dry_run": True}))
    waiting = submit(renamed(forms)).operation
    assert "A dry run changed nothing" in refused(planned)
    assert "has not ended" in refused(waiting)
    done = run(submit(renamed(forms, "Silver Paw")))
    unchanged = run(submit(renamed(forms, "Silver Paw")))
    assert "changed nothing" in refused(unchanged)
    exported = NewOperation(kind="reindex", items=[{"id": str(forms[0])}])
    assert "cannot be undone" in refused(run(submit_order(exported, tenant=kennels, actor=system)))
    first = undo(done.id, tenant=kennels, actor=system)
    assert "Another undo" in refused(done)
    run(first)
    with use_tenant(kennels):
        OperationItem.objects.filter(operation_id=done.id).delete()
    assert "deleted after their time" in refused(done)


def test_an_order_of_the_kind_undo_is_an_undo_like_any_other(
    submit: Submit, run: Run, forms: list[UUID], kennels: Tenant, system: Actor
) -> None:
    done = run(submit(renamed(forms)))
    other = run(submit(renamed(forms[:1], "Silver Paw")))
    with use_tenant(kennels):
        items = [{"item_id": str(row.id)} for row in OperationItem.objects.filter(operation_id=done.id)]
        foreign = [{"item_id": str(row.id)} for row in OperationItem.objects.filter(operation_id=other.id)]
    order = {"kind": "undo", "arguments": {"operation_id": str(done.id)}}

    with pytest.raises(NoValidItems):
        submit(foreign, **order)
    first = submit(items[1:], **order)

    assert first.operation.undoes == done.id
    with pytest.raises(NotUndoable, match="Another undo"):
        submit(items[:1], **order)
    with pytest.raises(NotUndoable, match="Another undo"):
        undo(done.id, tenant=kennels, actor=system)
    run(first)
    assert names(forms, kennels, system) == ["Silver Paw", "Kennel 1", "Kennel 2"]


def test_an_order_of_the_kind_undo_names_an_operation_that_can_be_undone(
    submit: Submit, run: Run, forms: list[UUID], kennels: Tenant, summit: Tenant, system: Actor
) -> None:
    done = run(submit(renamed(forms)))
    export = NewOperation(kind="reindex", items=[{"id": str(forms[0])}])
    reindexed = run(submit_order(export, tenant=kennels, actor=system))
    with use_tenant(kennels):
        items = [{"item_id": str(row.id)} for row in OperationItem.objects.filter(operation_id=done.id)]

    def order(operation: BatchOperation) -> NewOperation:
        return NewOperation(kind="undo", items=items, arguments={"operation_id": str(operation.id)})

    with pytest.raises(NotUndoable, match="cannot be undone"):
        submit_order(order(reindexed), tenant=kennels, actor=system)
    with pytest.raises(InvalidOrder, match="no longer exists"):
        submit_order(order(done), tenant=summit, actor=system)
    with pytest.raises(MissingRight):
        submit_order(order(done), tenant=kennels, actor=replace(system, rights=frozenset({Right.READ_FORMS})))


def test_a_plan_of_an_undo_waits_for_another_undo(
    submit: Submit, run: Run, forms: list[UUID], kennels: Tenant, system: Actor
) -> None:
    done = run(submit(renamed(forms)))
    plan = run(undo(done.id, tenant=kennels, actor=system, is_dry_run=True))
    undo(done.id, tenant=kennels, actor=system)

    with pytest.raises(NotUndoable, match="Another undo"):
        submit(plan=plan.id, plan_hash=plan.plan_hash)
