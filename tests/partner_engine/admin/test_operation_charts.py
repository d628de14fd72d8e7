"""The charts of operations for staff: exact figures, bars within their frame, and only tenants in view."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from operations.models import BatchOperation, OperationItem
from partner_engine.admin.operation_charts import Chart
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def add(tenant: Tenant, *, failures: dict[str, int] | None = None, is_open: bool = False, **counts: Any) -> UUID:
    """Add an operation of ``tenant``, with items that ended just now and so many failures of each code."""
    now = timezone.now()
    with use_tenant(tenant):
        operation = BatchOperation.objects.create(
            id=uuid7(), tenant_id=tenant.pk, kind="clone", arguments=b"", created_by_type="user", created_by_id="1",
            created_at=now, started_at=now, finished_at=None if is_open else now, **counts,
        )  # fmt: skip
        codes = [code for code, number in (failures or {}).items() for _ in range(number)]
        OperationItem.objects.bulk_create(
            OperationItem(
                id=uuid7(), tenant_id=tenant.pk, operation_id=operation.pk, number=number, input=b"",
                state="failed" if code else "completed", error_code=code, error=f"Because of {code}.",
                finished_at=now - timedelta(seconds=1),
            )
            for number, code in enumerate([*codes, *[""] * operation.completed])
        )  # fmt: skip
    return operation.pk


def charts(client: Client) -> dict[str, Chart]:
    page = client.get(reverse("admin:operation-charts"))
    assert page.status_code == 200
    return {chart.id: chart for chart in page.context["charts"]}


def test_without_operations_each_chart_says_so(admin: Client) -> None:
    content = admin.get(reverse("admin:operation-charts")).content.decode()

    for words in ("No operation was started", "No item ended", "No item failed", "Nothing waits"):
        assert words in content


def test_the_figures_are_those_of_the_operations(admin: Client, harbor: Tenant, summit: Tenant) -> None:
    add(harbor, total=4, completed=1, failed=3, failures={"locked": 2, "invalid": 1})
    add(harbor, total=2, completed=2)
    add(summit, total=1500, completed=1, is_open=True)

    shown = charts(admin)

    day = shown["days"].rows[0]
    assert dict(zip(shown["days"].heads[1:], day.cells, strict=True)) == {
        "Completed": "1", "Completed with failures": "1", "Cancelled": "0", "Running": "1", "Paused": "0",
        "Waiting to start": "0",
    }  # fmt: skip
    assert sum(block.height for block in shown["days"].blocks) == pytest.approx(100, abs=0.1)
    assert sum(int(row.cells[0]) for row in shown["minutes"].rows) == 7
    assert [(row.head, row.cells, row.share) for row in shown["failures"].rows] == [
        ("locked", ("2", "Because of locked."), 100.0),
        ("invalid", ("1", "Because of invalid."), 50.0),
    ]
    assert [(row.head, row.cells[:2]) for row in shown["waiting"].rows] == [(summit.name, ("1,499", "1"))]
    for chart in shown.values():
        for block in chart.blocks:
            assert 0 <= block.left <= block.left + block.width <= 100
            assert -0.01 <= block.top <= block.top + block.height <= 100.01


def test_staff_without_the_permission_see_no_charts(make_staff: Callable[..., Client]) -> None:
    assert make_staff("tenants.view_tenant").get(reverse("admin:operation-charts")).status_code == 403
