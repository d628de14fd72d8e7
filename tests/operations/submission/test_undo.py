"""The undo of an operation: a new operation that takes back what nobody has changed since, or a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from operations.models import BatchOperation, OperationItem
from operations.submission.errors import NotUndoable
from operations.submission.order import NewOperation, Submitted
from operations.submission.submit import submit as submit_order
from operations.submission.undo import undo
from tenants.access import Actor
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
    undone = run(submit(plan=plan.id))

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
