"""Growth: the memory of a worker, and the time left as it is shown while an operation runs."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from operations.engine import chunk_run
from operations.engine.pace import Pace
from operations.engine.status import status_of
from operations.engine.worker import _Worker
from operations.kinds import registry
from operations.kinds.kind import ItemEnd, Work
from operations.models import BatchOperation, OperationItem
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.operation_kinds import Rename, TestArguments, TestItem
from tests.harness.tiers import amount
from tests.operations.engine.test_claims import fill

CHUNK = 500
#: An operation of ten thousand items and one of a million; other tiers try smaller ones.
FEW, MANY = amount(5_000, full=10_000), amount(25_000, full=1_000_000)


class Idle(Rename):
    """The kind that does nothing: what remains is the engine."""

    chunk_size = CHUNK

    def run(
        self, items: Sequence[tuple[OperationItem, TestItem]], work: Work[TestArguments]
    ) -> list[ItemEnd]:  # fmt: skip
        """End each item."""
        return [ItemEnd(item_id=row.id) for row, _ in items]


class Hoarder(Idle):
    """A sabotage: it keeps what it worked on."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        self.kept: list[OperationItem] = []

    def run(
        self, items: Sequence[tuple[OperationItem, TestItem]], work: Work[TestArguments]
    ) -> list[ItemEnd]:  # fmt: skip
        """Keep each item, and end it."""
        self.kept += [row for row, _ in items]
        return super().run(items, work)


@pytest.fixture
def use_kind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Rename], None]:
    """Return what makes a kind do the work of the tests' operations; items were not submitted and need no opening."""
    monkeypatch.setattr(chunk_run, "opened_item", lambda row, item_type: TestItem())
    monkeypatch.setattr("operations.engine.worker.chunk_size", lambda most: CHUNK)
    return lambda kind: monkeypatch.setitem(registry.KINDS, kind.code, kind)


def peak_of(items: int, submit: Callable[..., BatchOperation]) -> int:
    """Return the most bytes that were held at once while a worker ran an operation of so many ``items``, of those that
    were allocated since tracing began; the first chunks, which fill caches, do not count.
    """
    operation = submit(0)
    fill(operation, 0, items - 1)
    with across_tenants(using="default"):
        BatchOperation.objects.filter(pk=operation.pk).update(total=items)
        worker = _Worker("default", lease=60, pace=Pace(seconds=1e9))
        for _ in range(2):
            assert worker.round()
        gc.collect()
        tracemalloc.reset_peak()
        while worker.round():
            # What only the next collection frees is not kept; when that comes depends on what ran before.
            gc.collect()
        peak = tracemalloc.get_traced_memory()[1]
    assert worker.drained.completed == items
    return peak


def growth(submit: Callable[..., BatchOperation]) -> float:
    """Return how many times the memory for few items a worker needs for many.

    The interpreter's own caches (of attributes, of classes checked) are bounded, and are filled over dozens of chunks:
    they are traced from the beginning, so that they count in both.
    """
    tracemalloc.start()
    try:
        peak_of(FEW, submit)
        few, many = peak_of(FEW, submit), peak_of(MANY, submit)
    finally:
        tracemalloc.stop()
    return many / few


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_needs_no_more_memory_for_many_items(
    submit: Callable[..., BatchOperation], use_kind: Callable[[Rename], None]
) -> None:
    use_kind(Idle())

    assert growth(submit) <= 1.1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_kind_that_keeps_its_items_is_found(
    submit: Callable[..., BatchOperation], use_kind: Callable[[Rename], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.operations.engine.test_growth.MANY", 10 * FEW)
    use_kind(Hoarder())

    assert growth(submit) > 2


def let_pass(operation: BatchOperation, seconds: float) -> None:
    """Let so much time have passed for the operation."""
    span = timedelta(seconds=seconds)
    began = {name: F(name) - span for name in ("started_at", "stretch_started_at")}
    BatchOperation.objects.filter(pk=operation.pk).update(**began)


@pytest.mark.django_db
@pytest.mark.parametrize("first", [100.0, 3_000.0], ids=["steady", "slow at first"])
@pytest.mark.parametrize("chunk", [pytest.param(20, marks=pytest.mark.slow), 50])
def test_the_time_left_is_right_after_the_first_tenth(
    submit: Callable[..., BatchOperation], rename: Rename, kennels: Tenant, monkeypatch: pytest.MonkeyPatch,
    first: float, chunk: int,
) -> None:  # fmt: skip
    # So long that the time that passes in the test does not count.
    total, a_chunk = 1_000, 100.0
    operation = submit(total)
    worker = _Worker("default", lease=60, pace=Pace(seconds=1e9))
    monkeypatch.setattr("operations.engine.worker.chunk_size", lambda most: chunk)
    shown: list[tuple[int, Any]] = []
    with across_tenants(using="default"):
        for number in range(total // chunk - 1):
            claim = worker._next()
            assert claim is not None
            worker._claims.begin(operation.id)
            let_pass(operation, first if number == 0 else a_chunk)
            assert worker.run(claim)
            operation.refresh_from_db()
            with use_tenant(kennels):
                shown.append((operation.completed, status_of(operation).seconds_left))

    assert all(left is not None for _, left in shown), "the time left is shown from the first chunk on"
    for ended, left in shown:
        truth = (total - ended) / chunk * a_chunk
        if ended * 10 >= total:
            assert abs(left - truth) <= 0.15 * truth, (ended, left, truth)
