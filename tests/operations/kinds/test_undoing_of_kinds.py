"""An undo of every kind that can be undone: a tenth of the forms was worked on since, and a release lies between.

For answers, where edits are merged, see ``test_undoing``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from catalogue.loader import load
from catalogue.releases import publish
from copies.models import Copy
from forms.models import ApplicationForm
from operations.kinds.kind import CHANGED, SKIPPED, ItemEnd
from operations.kinds.registry import KINDS, kind_named
from operations.kinds.undoing import Undo
from tenants.access import Role
from tenants.current_tenant import use_tenant
from tenants.models import User
from tests.harness.kennel_catalogue import ANSWERS
from tests.harness.kind_runs import KindRun
from tests.harness.later_releases import with_question
from tests.harness.tiers import amount

pytestmark = pytest.mark.django_db
SIZE = amount(20, full=2_000)
#: The kinds whose forms are archived by an undo, because they made them.
MAKING = ("import_forms", "clone", "renew")
#: What is reported of a form that was worked on; of the others that it was used.
STAYS = {"archive": {"copy/deleted_at": "changed_since"}, "transfer_owner": {"copy/owner_id": "changed_since"}}
TESTED = (*MAKING, "archive", "transfer_owner")


class Trial:
    """An operation of one kind over many forms, with what was there before."""

    def __init__(self, code: str, operation: KindRun, make_form: Callable[..., UUID]) -> None:
        self.kind = kind_named(code)
        self.operation = operation
        user = User.objects.create_user("next@kennels.example", "secret", role=Role.AGENT, tenant=operation.tenant)
        self.arguments: dict[str, Any] = {"owner_id": str(user.pk)} if code == "transfer_owner" else {}
        forms = [] if code == "import_forms" else [make_form() for _ in range(SIZE)]
        self.before = self.state()
        items: list[dict[str, Any]] = [{"id": form_id} for form_id in forms]
        self.items = items or [{"answers": {**ANSWERS, "kennel_name": f"Kennel {n}"}} for n in range(SIZE)]

    def run(self, kind: Any, items: Sequence[dict[str, Any]], arguments: dict[str, Any], run: KindRun) -> list[ItemEnd]:
        """Run in chunks, as the engine does."""
        size = kind.chunk_size
        chunks = (items[start : start + size] for start in range(0, len(items), size))
        return [end for chunk in chunks for end in run.run(kind, chunk, arguments)]

    def undo(self, ends: Sequence[ItemEnd]) -> dict[UUID | None, ItemEnd]:
        """Take the operation back; return the ends by copy."""
        items = self.operation.stored(self.kind, ends)
        arguments = {"operation_id": str(self.operation.operation_id)}
        return {end.copy_id: end for end in self.run(Undo(), items, arguments, self.operation.next())}

    def state(self) -> dict[UUID, tuple[bytes, UUID | None, bool]]:
        """Return the document, the owner and the presence of every copy."""
        with use_tenant(self.operation.tenant):
            gone = set(ApplicationForm.objects.exclude(deleted_at=None).values_list("pk", flat=True))
            rows = Copy.objects.values_list("pk", "document", "owner_id", "deleted_at", "application_form_id")
            return {
                pk: (bytes(document), owner, deleted is None and form_id not in gone)
                for pk, document, owner, deleted, form_id in rows
            }

    def work_on(self, copy_ids: Sequence[UUID]) -> None:
        """Do by hand what an undo must not take back: restore an archived form, give to nobody, or change a title."""
        run = self.operation
        for copy_id in copy_ids:
            is_archived = self.kind.code == "archive"
            with batch.find_and_lock_many([copy_id], scope=run.tenant, actor=run.actor, archived=is_archived) as chunk:
                chunk.apply(self._edit)
                chunk.save()

    def _edit(self, changeset: Any) -> None:
        if self.kind.code == "archive":
            changeset.application_form.restore()
        elif self.kind.code == "transfer_owner":
            changeset.copy.own(None)
        else:
            changeset.find_answer("kennel_name").apply("By hand")


def reasons(end: ItemEnd) -> dict[str, str]:
    return {one["path"]: one["code"] for one in end.result["left"]}


def test_every_kind_that_can_be_undone_is_tried() -> None:
    assert {*TESTED, "set_answers", "undo"} == {code for code, kind in KINDS.items() if kind.can_undo}


@pytest.mark.parametrize("code", TESTED)
def test_what_nobody_touched_goes_back_and_the_rest_stays(
    code: str, operation: KindRun, make_form: Callable[..., UUID]
) -> None:
    trial = Trial(code, operation, make_form)
    ends = trial.run(trial.kind, trial.items, trial.arguments, operation)
    assert {end.outcome for end in ends} == {CHANGED}
    copies = [end.copy_id for end in ends if end.copy_id is not None]
    touched = random.Random(3).sample(copies, SIZE // 10)
    trial.work_on(touched)
    worked_on = trial.state()
    publish(load(with_question("kennel_name", label="The name of the kennel")), actor_id="test")

    undone = trial.undo(ends)

    now = trial.state()
    for copy_id in copies:
        end = undone[copy_id]
        if copy_id in touched:
            assert now[copy_id] == worked_on[copy_id]
            assert (end.outcome, {one["path"]: one["code"] for one in end.result["left"]}) == (
                SKIPPED,
                STAYS.get(code, {"application_form": "used_since"}),
            )
        elif code in MAKING:
            assert not now[copy_id][2]
        else:
            assert now[copy_id] == trial.before[copy_id]
    # The forms that were copied are as before.
    assert {copy_id: now[copy_id] for copy_id in trial.before if copy_id not in copies} == {
        copy_id: state for copy_id, state in trial.before.items() if copy_id not in copies
    }
