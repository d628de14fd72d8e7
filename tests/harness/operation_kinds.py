"""A kind of operation for tests of the engine, and operations of it: it renames copies, and fails as ordered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import pytest
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from batch import service as batch
from batch.changes.records import SaveResult
from batch.errors import LockNotAcquired
from operations.kinds.kind import ItemEnd, Kind, Refusal, Work
from operations.models import BatchOperation, OperationItem
from operations.sealed_input import sealed_arguments, sealed_item
from tenants.access import Actor
from tenants.models import Tenant

#: Lets seconds pass.
Later: TypeAlias = Callable[[float], None]


def time_passes_in(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Return what lets seconds pass on the clock that ``module`` reads; no time passes there by itself."""
    now = [1_000.0]

    def later(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return later


class TestItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item: the form, and what goes wrong with it ("" nothing): invalid, final, or transient."""

    form_id: str = ""
    fault: str = ""
    #: Attempts that fail with the fault.
    times: int = 1_000
    seconds: float = 0.0


class TestArguments(msgspec.Struct, frozen=True, kw_only=True):
    """The new title."""

    title: str = "Renamed"


class Rename(Kind[TestItem, TestArguments]):
    """Renames copies, and records each end in the transaction of its save."""

    code = "test_rename"
    title = "Rename"
    description = "Renames copies."
    item_type = TestItem
    arguments_type = TestArguments
    #: Whether ends are recorded in the transaction of the save; False is a sabotage.
    is_atomic = True
    #: Seconds before and after the save of a chunk, in which a worker may be killed.
    rest = 0.0

    def __init__(self) -> None:
        """Note nothing yet."""
        self.chunks: list[list[int]] = []

    def item_of(self, *, application_form_id: UUID, copy_id: UUID) -> TestItem:
        """Return the item of a form."""
        return TestItem(form_id=str(application_form_id))

    def run(
        self, items: Sequence[tuple[OperationItem, TestItem]], work: Work[TestArguments]
    ) -> list[ItemEnd]:  # fmt: skip
        """Rename the copies in one transaction."""
        self.chunks.append([row.number for row, _ in items])
        ends = {row.id: end for row, item in items if (end := faulty(row, item)) is not None}
        good = {UUID(item.form_id): row for row, item in items if row.id not in ends and item.form_id}
        ends |= {row.id: ItemEnd(item_id=row.id) for row, item in items if row.id not in ends and not item.form_id}
        if good:
            time.sleep(self.rest)
            ends |= self._rename(good, work)
            time.sleep(self.rest)
        return [ends[row.id] for row, _ in items]

    def _rename(self, rows: Mapping[UUID, OperationItem], work: Work[TestArguments]) -> dict[UUID, ItemEnd]:
        ends: dict[UUID, ItemEnd] = {}
        with batch.find_and_lock_many(list(rows), scope=work.tenant, actor=work.actor, wait=0) as chunk:
            # Each rename is a change of its own, so that a second one would be seen.
            chunk.apply_each(lambda _, context: context.changeset.messages.add(work.arguments.title))

            def companion(saved: Mapping[UUID, SaveResult]) -> None:
                made = [saved_end(rows[form_id], result) for form_id, result in saved.items()]
                ends.update({end.item_id: end for end in made})
                if self.is_atomic:
                    work.record(made)

            for one in chunk.save(companion=companion):
                if one.error is not None:
                    ends[rows[one.id].id] = refused(rows[one.id], one.error)
        return ends


def saved_end(row: OperationItem, result: SaveResult) -> ItemEnd:
    """Return the end of an item whose copy was saved."""
    return ItemEnd(item_id=row.id, version_before=result.loaded_version, version_after=result.version)


def refused(row: OperationItem, error: Exception) -> ItemEnd:
    """Return the end of an item whose copy was refused; a copy that is held is tried again."""
    is_held = isinstance(error, LockNotAcquired)
    code = "locked" if is_held else "refused"
    return ItemEnd(item_id=row.id, refusal=Refusal(code=code, detail=type(error).__name__, transient=is_held))


def faulty(row: OperationItem, item: TestItem) -> ItemEnd | None:
    """Return the end of an item that fails as ordered."""
    time.sleep(item.seconds)
    if item.fault == "raises" and row.attempts <= item.times:
        raise RuntimeError("as ordered")
    if not item.fault or row.attempts > item.times:
        return None
    refusal = Refusal(
        code=item.fault,
        detail="As ordered.",
        transient=item.fault == "transient",
        final=item.fault == "final",
    )
    return ItemEnd(item_id=row.id, refusal=refusal)


def store(  # noqa: PLR0913 - each is named at the call
    items: Sequence[TestItem],
    *,
    tenant: Tenant,
    creator: Actor | None = None,
    title: str = "Renamed",
    created_at: Any = None,
    kind_code: str = Rename.code,
    **fields: Any,
) -> BatchOperation:
    """Store an operation with ``items``, as a submission does."""
    operation = BatchOperation(
        id=uuid7(),
        tenant_id=tenant.id,
        kind=kind_code,
        total=len(items),
        created_by_type=creator.type if creator else "system",
        created_by_id=creator.id if creator else "test",
        source="job",
        created_at=created_at or Now(),
        **fields,
    )
    operation.arguments = sealed_arguments(TestArguments(title=title), tenant_id=tenant.id, operation_id=operation.id)
    alias = tenant.database_alias
    operation.save(using=alias, force_insert=True)
    rows = []
    for number, item in enumerate(items):
        item_id = uuid7()
        sealed = sealed_item(item, tenant_id=tenant.id, item_id=item_id)
        rows.append(
            OperationItem(id=item_id, tenant_id=tenant.id, operation_id=operation.id, number=number, input=sealed)
        )
    OperationItem.objects.using(alias).bulk_create(rows, batch_size=1_000)
    return operation
