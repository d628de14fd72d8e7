"""What a plan promises: the results of a dry run, their hash, and the refusal of items that would do something else.

A dry run is carried out by an operation that names it. An item may then fail, but it never does anything else than its
plan says (docs/adr/0043-plans-of-operations.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from operations.batch_models import BatchOperation, ItemState, OperationItem
from operations.errors import MOVED
from operations.kinds.kind import ItemEnd, Refusal

#: How the items of a plan are refused.
PLAN_MOVED: Final = Refusal(code="plan_moved", detail=MOVED)
#: How items are refused whose plan was deleted, or made anew by a retry of the dry run, since it was submitted.
PLAN_GONE: Final = Refusal(
    code="plan_gone",
    detail="The plan of this item no longer exists as it was. Try again without saving to make a new plan.",
    final=True,
)
_PAGE: Final = 2_000


class DiffersFromPlan(Exception):
    """Items of a plan would do something else than planned; their changes must be undone."""

    def __init__(self, item_ids: frozenset[UUID]) -> None:
        super().__init__(f"{len(item_ids)} items of a plan would do something else.")
        self.item_ids = item_ids


class Promise(NamedTuple):
    """The planned result of one item. ``digest`` covers outcome, versions and the reported changes, but no new ids."""

    copy_id: UUID | None
    version: int | None
    digest: bytes


def plan_hash(operation: BatchOperation) -> str:
    """Return the hash of the results of a dry run in the order of their numbers, as hex; the scope is its tenant's."""
    total = hashlib.sha256(operation.kind.encode())
    rows = OperationItem.objects.using(operation._state.db).filter(operation_id=operation.id).order_by("number")
    for item in rows.defer("input", "undo").iterator(chunk_size=_PAGE):
        total.update(b"%d " % item.number)
        total.update(_digest_of_item(item))
    return total.hexdigest()


def store_plan_hash(operation_id: UUID, *, alias: str) -> None:
    """Store the hash of a dry run within the transaction that ends it; the scope is its tenant's, or all tenants."""
    operation = BatchOperation.objects.using(alias).get(pk=operation_id)
    operation.plan_hash = plan_hash(operation)
    operation.save(using=alias, update_fields=["plan_hash"])


def promises(operation: BatchOperation, numbers: Sequence[int]) -> dict[int, Promise]:
    """Return the planned results of these items of ``operation``, by number; empty if it carries out no plan, and
    without items whose plan was deleted or changed since: those must not be worked on.
    """
    if operation.planned_by is None:
        return {}
    agreed = operation.options.get("plan_hash", "")
    if not BatchOperation.objects.filter(pk=operation.planned_by, plan_hash=agreed).exists():
        return {}
    rows = OperationItem.objects.filter(operation_id=operation.planned_by, number__in=numbers).defer("input", "undo")
    return {row.number: Promise(row.copy_id, row.version_before, _digest_of_item(row)) for row in rows}


def is_kept(promise: Promise, end: ItemEnd) -> bool:
    """Return whether ``end`` does what was planned, or nothing because it failed."""
    return end.refusal is not None or promise.digest == digest_of_end(end)


def digest_of_end(end: ItemEnd) -> bytes:
    """Return the digest of what ``end`` reports."""
    if end.refusal is not None:
        return _digest("failed", end.refusal.code, None, None, {})
    return _digest(end.outcome, "", end.version_before, end.version_after, end.result)


def _digest_of_item(item: OperationItem) -> bytes:
    if item.state != ItemState.COMPLETED:
        return _digest(item.state, item.error_code, None, None, {})
    result = dict(item.result)
    return _digest(result.pop("outcome", ""), "", item.version_before, item.version_after, result)


def _digest(
    outcome: str, code: str, before: int | None, after: int | None, result: Mapping[str, Any]
) -> bytes:  # fmt: skip
    row = (outcome, code, before, after, _without_new_ids(result))
    return hashlib.sha256(msgspec.json.encode(row, order="sorted")).digest()


def _without_new_ids(value: Any) -> Any:
    """Return a result without ids of what it made, which are other ones at each run."""
    if isinstance(value, Mapping):
        return {
            name: _without_new_ids(part)
            for name, part in value.items()
            if name != "id" and not name.endswith(("_id", "_ids"))
        }
    return [_without_new_ids(part) for part in value] if isinstance(value, list | tuple) else value
