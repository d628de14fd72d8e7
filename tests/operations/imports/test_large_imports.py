"""Imports of many forms: the memory does not grow with their number, and each row becomes exactly one form."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import pytest
from django.db import connection

from forms.models import ApplicationForm
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.imports.limits import MOST_BYTES, MOST_ROWS
from operations.imports.order import ImportRequest, import_order
from operations.models import BatchOperation, OperationItem
from operations.submission.submit import submit
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.tiers import amount

pytestmark = pytest.mark.django_db
#: A growth of the file itself, which is in memory as a whole, does not count.
ALLOWED = 1_000_000


@pytest.fixture(autouse=True)
def patient(db: None) -> None:
    """Let the transaction of the test wait while a file is read, which takes long where memory is traced."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def table(rows: int) -> bytes:
    lines = (f"Kennel {number},TX,false,R-{number}" for number in range(rows))
    return "\r\n".join(("kennel_name,state,kosher,reference", *lines)).encode()


def listed(rows: int) -> bytes:
    return json.dumps(
        [{"kennel_name": f"Kennel {number}", "state": "TX", "reference": f"R-{number}"} for number in range(rows)]
    ).encode()


def submitted(content: bytes, kennels: Tenant) -> tuple[BatchOperation, int]:
    """Submit the import of ``content``; return the operation and the most memory that it took besides, in bytes."""
    tracemalloc.start()
    try:
        order = import_order(content, ImportRequest(), catalogue=kennels.catalogue)
        operation = submit(order, tenant=kennels, actor=system_actor("test")).operation
        return operation, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", [table, pytest.param(listed, marks=pytest.mark.slow)])
def test_the_memory_of_a_submission_does_not_grow_with_the_rows(make: Callable[[int], bytes], kennels: Tenant) -> None:
    few, many = amount(500, full=1_000), amount(2_500, full=MOST_ROWS)
    assert len(make(many)) < MOST_BYTES

    _, before = submitted(make(few), kennels)
    operation, after = submitted(make(many), kennels)

    assert operation.total == many
    assert after < before + ALLOWED


@pytest.mark.slow
def test_the_memory_of_the_work_does_not_grow_with_the_forms(kennels: Tenant) -> None:
    peaks = []
    for rows in (1_000, 1_000, 10_000):
        operation, _ = submitted(table(rows), kennels)
        tracemalloc.start()
        drained = drain("default", pace=Pace(seconds=1e9), seconds=3_600)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert drained.completed == rows
        with use_tenant(kennels):
            items = OperationItem.objects.filter(operation_id=operation.id, state="completed")
            forms = ApplicationForm.objects.filter(id__in=items.values("id"))
            assert forms.count() == rows
            assert forms.values("reference").distinct().count() == rows

    assert peaks[2] < peaks[1] * 1.1 + ALLOWED
