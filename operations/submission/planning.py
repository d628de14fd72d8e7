"""Plans that are carried out: a dry run of the tenant that ended, and whose copies were not changed since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from copies.models import Copy
from operations.engine.plans import plan_hash
from operations.models import BatchOperation, OperationItem
from operations.submission.errors import NotAPlan, PlanMoved

#: How many numbers of moved items a refusal names.
_MOST_NAMED: Final = 100
_PAGE: Final = 2_000


def access_plan(plan_id: UUID, *, sent_hash: str) -> BatchOperation:
    """Return the finished dry run with this id and hash, of the current tenant. Raises ``NotAPlan``."""
    plan: BatchOperation | None = BatchOperation.objects.filter(pk=plan_id).first()
    if plan is None or not plan.is_dry_run:
        raise NotAPlan("There is no dry run with this id, or it was deleted after its time. Make a new one.")
    if plan.finished_at is None:
        raise NotAPlan("The dry run has not ended yet. Wait until it has.")
    if plan.cancelled_at is not None:
        raise NotAPlan("The dry run was cancelled, so it is no plan. Make a new one.")
    if sent_hash != plan_hash(plan):
        raise NotAPlan("The plan has another hash than you sent. Read the dry run again.")
    return plan


def require_unmoved(plan: BatchOperation) -> None:
    """Raise ``PlanMoved`` with the numbers of the items whose copy was changed since the dry run ``plan``."""
    rows = OperationItem.objects.filter(operation_id=plan.id).exclude(copy_id=None).exclude(version_before=None)
    moved: list[int] = []
    page: list[tuple[int, UUID, int]] = []
    for row in rows.order_by("number").values_list("number", "copy_id", "version_before").iterator(chunk_size=_PAGE):
        page.append(row)
        if len(page) == _PAGE:
            moved += _moved(page)
            page = []
    moved += _moved(page)
    if moved:
        raise PlanMoved(moved[:_MOST_NAMED])


def _moved(rows: Sequence[tuple[int, UUID, int]]) -> list[int]:
    current = dict(Copy.objects.filter(pk__in=[copy_id for _, copy_id, _ in rows]).values_list("pk", "version"))
    # A copy that the dry run would have made does not exist.
    return [number for number, copy_id, version in rows if current.get(copy_id, version) != version]
