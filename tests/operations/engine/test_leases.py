"""Items whose lease is taken away: what is counted, what is forgotten, and what ends the operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from encryption.key_ring import KeyServiceUnavailable
from operations.engine.claims import Claim, Claims
from operations.engine.item_clock import ItemClock, Overdue
from operations.engine.leases import RenewedLease, fail_as_too_slow
from operations.engine.metrics import hung_threads, item_timeouts
from operations.engine.worker import Drained, run_chunk
from operations.kinds.kind import ItemEnd, Work
from operations.models import BatchOperation
from tenants.current_tenant import across_tenants
from tests.harness.operation_kinds import Rename, TestArguments
from tests.operations.engine.test_worker import fresh, items_of

pytestmark = pytest.mark.django_db
Submit = Callable[..., BatchOperation]
Drain = Callable[..., Drained]


@pytest.fixture
def claims() -> Iterator[Claims]:
    """Return the claims of a worker."""
    with across_tenants(using="default"):
        yield Claims("default", lease=60)


def claimed(claims: Claims, operation: BatchOperation) -> Claim:
    claim = claims.claim(operation.id, limit=100)
    assert claim is not None
    return claim


def counted() -> tuple[float, float]:
    return hung_threads._value.get(), item_timeouts.labels(Rename.code)._value.get()


def take_away(claims: Claims, claim: Claim) -> bool:
    """Return whether the items of ``claim`` were taken away as those of a step that takes too long."""
    clock = ItemClock(len(claim.items), item_seconds=60, step_seconds=60)
    lease = RenewedLease(claims, claim, alias="default", lease=60, clock=clock, kind=Rename.code)
    lease._take_away(Overdue(None))
    return lease.is_lost


def test_what_ended_at_the_last_moment_is_not_counted(submit: Submit, claims: Claims) -> None:
    claim = claimed(claims, submit(1))
    run_chunk(claim, alias="default")
    before = counted()

    failed = fail_as_too_slow(claim, claim.items[0], alias="default", kind=Rename.code)
    is_lost = take_away(claims, claim)

    assert (failed, is_lost, counted()) == (None, False, before)


def test_an_item_that_takes_too_long_is_counted_once(submit: Submit, claims: Claims) -> None:
    claim = claimed(claims, submit(1))
    hung, timeouts = counted()

    is_lost = take_away(claims, claim)
    after = counted()
    hung_threads.dec()

    assert (is_lost, after) == (True, (hung + 1, timeouts + 1))


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_dry_run_whose_last_item_takes_too_long_is_a_plan(submit: Submit, claims: Claims, is_cancelled: bool) -> None:
    operation = submit(1, is_dry_run=True)
    claim = claimed(claims, operation)
    if is_cancelled:
        BatchOperation.objects.update(cancelled_at=Now())

    fail_as_too_slow(claim, claim.items[0], alias="default", kind=Rename.code)

    ended = fresh(operation)
    assert ended.finished_at is not None
    assert len(ended.plan_hash) == (0 if is_cancelled else 64)


@pytest.mark.parametrize("error", [RuntimeError("as ordered"), KeyServiceUnavailable("as ordered")])
def test_ends_that_were_undone_are_forgotten_also_if_their_items_were_taken_away(
    submit: Submit, rename: Rename, work: Drain, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real = rename.run

    def run(items: Sequence[Any], work: Work[TestArguments]) -> list[ItemEnd]:
        monkeypatch.setattr(rename, "run", real)
        try:
            with transaction.atomic():
                work.record([ItemEnd(item_id=row.id) for row, _ in items])
                raise error
        finally:
            (token,) = {item.lease_token for item in items_of(operation)}
            assert token is not None
            Claims("default", lease=60).give_back(token)

    monkeypatch.setattr(rename, "run", run)
    operation = submit(3)

    drained = work()

    assert (drained.lost, drained.chunks, drained.completed) == (1, 1, 3)
    assert fresh(operation).completed == 3
