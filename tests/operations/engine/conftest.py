"""The fixtures of the engine's tests: the kind that renames, and operations of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from operations.engine.pace import Pace
from operations.engine.worker import Drained, drain
from operations.kinds import registry
from operations.models import BatchOperation
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.operation_kinds import Rename, TestItem, store


@pytest.fixture
def rename(monkeypatch: pytest.MonkeyPatch) -> Rename:
    """Register the kind that renames."""
    kind = Rename()
    monkeypatch.setattr(registry, "KINDS", {**registry.KINDS, kind.code: kind})
    return kind


@pytest.fixture
def submit(kennels: Tenant, rename: Rename) -> Callable[..., BatchOperation]:
    """Return what stores an operation of the tenant."""

    def store_operation(items: list[TestItem] | int, **fields: Any) -> BatchOperation:
        listed = [TestItem()] * items if isinstance(items, int) else items
        with use_tenant(kennels):
            return store(listed, tenant=kennels, **fields)

    return store_operation


@pytest.fixture
def work() -> Callable[..., Drained]:
    """Return what runs the due items, in chunks that do not depend on the machine's speed."""

    def run(**options: Any) -> Drained:
        return drain("default", **{"pace": Pace(seconds=1e9), **options})

    return run
