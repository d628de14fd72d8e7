"""Claims: flat cost, shares by weight, and no row claimed twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from operations.engine import claims as engine_claims
from operations.engine.claims import Claims
from operations.engine.ends import ITEMS
from operations.engine.pace import Pace
from operations.engine.worker import _Worker
from operations.models import BatchOperation, OperationItem
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.held_rows import held_rows
from tests.harness.operation_kinds import Rename, TestItem, store

pytestmark = pytest.mark.django_db
FILL = """
INSERT INTO operations_operationitem (id, tenant_id, operation_id, number, input, state, attempts, crashes, is_final,
                                      error_code, error, error_details, result)
SELECT gen_random_uuid(), tenant_id, id, n, '', 'queued', 0, 0, FALSE, '', '', '[]', '{}'
  FROM operations_batchoperation, generate_series(%s::int, %s::int) n WHERE id = %s"""


def fill(operation: BatchOperation, first: int, last: int) -> None:
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute(FILL, [first, last, operation.id])
        cursor.execute("ANALYZE operations_operationitem")


def buffers_of_a_claim(operation: BatchOperation) -> int:
    """Return the pages that finding the rows of a claim touches."""
    text = engine_claims._QUEUED.format(columns="i.id")
    values = {"token": uuid4(), "lease": 60, "operation": operation.id, "limit": 100}
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", values)
        found = cursor.fetchone()[0]
        plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return read_by(plan)


def read_by(plan: dict[str, Any]) -> int:
    """Return the pages of the scan that chooses the rows."""
    if plan["Node Type"] == "LockRows":
        return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])
    return sum(read_by(child) for child in plan.get("Plans", ()))


@pytest.mark.parametrize("larger", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_the_cost_of_a_claim_does_not_grow_with_the_queue(submit: Callable[..., BatchOperation], larger: int) -> None:
    operation = submit(0)
    fill(operation, 0, 999)
    few = buffers_of_a_claim(operation)
    fill(operation, 1_000, larger)

    many = buffers_of_a_claim(operation)

    assert 0 < few
    assert many <= few * 1.5 + 10


def test_tenants_get_chunks_by_weight(
    submit: Callable[..., BatchOperation], rename: Rename, summit: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rename, "chunk_size", 5)
    monkeypatch.setattr("operations.engine.worker._SHARES", {})
    Tenant.objects.filter(code="kennels").update(weight=3)
    heavy = submit(400)
    with use_tenant(summit):
        light = store([TestItem()] * 400, tenant=summit)
    worker = _Worker("default", lease=60, pace=Pace(seconds=1e9))
    got: dict[UUID, int] = {heavy.id: 0, light.id: 0}

    with across_tenants(using="default"):
        for _ in range(80):
            claim = worker._next()
            assert claim is not None
            got[claim.operation_id] += len(claim.items)

    assert abs(got[heavy.id] / got[light.id] - 3) <= 0.15


def test_a_few_items_are_claimed_next_beside_a_huge_operation(
    submit: Callable[..., BatchOperation], rename: Rename, summit: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.engine.worker._SHARES", {})
    submit(300)
    worker = _Worker("default", lease=60, pace=Pace(seconds=1e9))
    with across_tenants(using="default"):
        assert worker._next() is not None
        with use_tenant(summit):
            small = store([TestItem()] * 10, tenant=summit)
        claim = worker._next()
        assert claim is not None
        assert (claim.operation_id, len(claim.items)) == (small.id, 10)
        assert worker._next() is not None, "no worker is idle while items wait"


def test_two_claims_share_no_item(submit: Callable[..., BatchOperation]) -> None:
    operation = submit(30)
    claims = Claims("default", lease=60)
    with across_tenants(using="default"):
        found = [claims.claim(operation.id, limit=20) for _ in range(3)]
        states = set(OperationItem.objects.values_list("state", flat=True))

    assert [len(claim.items) if claim else 0 for claim in found] == [20, 10, 0]
    assert states == {"in_progress"}


@pytest.mark.django_db(transaction=True)
def test_a_renewal_waits_for_no_item_that_ends_at_this_moment(submit: Callable[..., BatchOperation]) -> None:
    operation = submit(3)
    claims = Claims("default", lease=60)
    with across_tenants(using="default"):
        claim = claims.claim(operation.id, limit=3)
        assert claim is not None

        with held_rows(ITEMS, [claim.items[1].id]):
            assert claims.renew(claim.token) == 2

        assert claims.renew(claim.token) == 3
