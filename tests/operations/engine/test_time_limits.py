"""An item that takes too long fails alone, and one that hangs does not keep its chunk: in every layer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import OperationalError, connections

from operations.engine import item_clock
from operations.engine.item_clock import ItemClock, Overdue
from operations.engine.metrics import hung_threads
from operations.engine.pace import Pace
from operations.engine.worker import Drained, drain
from operations.kinds.kind import ItemEnd, Work
from operations.kinds.refusals import ItemTookTooLong, refusal_of
from operations.models import BatchOperation, OperationItem
from tests.harness.operation_kinds import Later, Rename, TestArguments, TestItem, time_passes_in
from tests.harness.tiers import PATIENCE
from tests.operations.engine.test_worker import fresh, items_of

Submit = Callable[..., BatchOperation]
Drain = Callable[..., Drained]
ONE = UUID(int=1)
#: More seconds than an item, or a step of a chunk, may take.
TOO_LONG = settings.OPERATIONS.item_seconds + 10


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Return what lets seconds pass for the clocks of chunks; no time passes by itself."""
    return time_passes_in(item_clock, monkeypatch)


def test_the_clock_refuses_an_item_that_took_too_long(later: Later) -> None:
    clock = ItemClock(5, item_seconds=2, step_seconds=9)

    with clock.item(ONE):
        later(2)
    with pytest.raises(ItemTookTooLong), clock.item(ONE):
        later(3)


def test_the_clock_says_which_step_is_overdue(later: Later) -> None:
    clock, single = (ItemClock(items, item_seconds=2, step_seconds=9) for items in (5, 1))

    later(3)
    between = clock.overdue()
    with pytest.raises(ItemTookTooLong), clock.item(ONE):
        later(3)
        within = clock.overdue()

    assert (between, within, single.overdue()) == (None, Overdue(ONE), Overdue(None))


@pytest.mark.django_db
def test_a_slow_item_of_a_chunk_fails_and_the_others_go_on(
    submit: Submit, work: Drain, rename: Rename, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rename, "run", timed(lambda item: later(item.seconds)))
    operation = submit([TestItem(), TestItem(seconds=TOO_LONG), TestItem()])

    work()

    ends = [(item.state, item.error_code) for item in items_of(operation)]
    assert ends == [("completed", ""), ("failed", "item_timeout"), ("completed", "")]


@pytest.mark.django_db
def test_a_statement_that_times_out_is_isolated(
    submit: Submit, work: Drain, rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rename.run

    def run(items: Sequence[Any], work: Work[TestArguments]) -> list[ItemEnd]:
        if any(item.fault == "statement" for _, item in items):
            rename.chunks.append([row.number for row, _ in items])
            raise OperationalError from Cancelled()
        return real(items, work)

    monkeypatch.setattr(rename, "run", run)
    operation = submit([TestItem(), TestItem(fault="statement"), TestItem()])

    work()

    assert [(item.state, item.error_code) for item in items_of(operation)] == [
        ("completed", ""), ("queued", "unavailable"), ("completed", "")
    ]  # fmt: skip
    assert rename.chunks == [[0, 1, 2], [0], [1], [2]]


class Cancelled(Exception):
    """The database cancelled a statement."""

    sqlstate = "57014"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [True, False])
def test_an_item_that_hangs_loses_its_lease_and_the_others_are_done_by_others(
    submit: Submit, rename: Rename, later: Later, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    hanging = threading.Event()

    def hang(item: TestItem) -> None:
        if item.fault == "hang":
            later(TOO_LONG)
            hanging.wait(2 * PATIENCE)

    monkeypatch.setattr(rename, "run", timed(hang, is_known=is_known))
    operation = submit([TestItem(), TestItem(fault="hang"), TestItem()])
    with at_work() as first:
        until(lambda: states(operation)[1] != "in_progress" or crashed(operation))
        with at_work() as second:
            until(lambda: states(operation)[1] == "failed" and hung_threads._value.get() >= 1)
            hanging.set()
            until(lambda: states(operation) == ["completed", "failed", "completed"])

    assert hung_threads._value.get() == 0
    assert [item.error_code for item in items_of(operation)] == ["", "item_timeout", ""]
    assert first.lost + second.lost >= 1
    counts = fresh(operation)
    assert (counts.completed, counts.failed, counts.finished_at is None) == (2, 1, False)


def timed(
    do: Callable[[TestItem], None], *, is_known: bool = True
) -> Callable[[Sequence[tuple[OperationItem, TestItem]], Work[TestArguments]], list[ItemEnd]]:
    """Return a run that does ``do`` to each item, within its time if ``is_known``."""

    def run(items: Sequence[tuple[OperationItem, TestItem]], work: Work[TestArguments]) -> list[ItemEnd]:
        ends = []
        for row, item in items:
            try:
                if not is_known:
                    do(item)
                else:
                    with work.timed(row.id):
                        do(item)
                ends.append(ItemEnd(item_id=row.id))
            except ItemTookTooLong as error:
                ends.append(ItemEnd(item_id=row.id, refusal=refusal_of(error)))
        return ends

    return run


@contextmanager
def at_work() -> Iterator[Drained]:
    """Let a worker work in a thread until the end of the block; add to what is yielded what it did."""
    over, total = threading.Event(), Drained()

    def work() -> None:
        try:
            while not over.is_set():
                done = drain("default", lease=1.5, pace=Pace(seconds=1e9))
                for name in Drained.__slots__:
                    setattr(total, name, getattr(total, name) + getattr(done, name))
                over.wait(0.02)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield total
    finally:
        over.set()
        thread.join(3 * PATIENCE)
        assert not thread.is_alive()


def states(operation: BatchOperation) -> list[str]:
    return [item.state for item in items_of(operation)]


def crashed(operation: BatchOperation) -> bool:
    return any(item.crashes for item in items_of(operation))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)
