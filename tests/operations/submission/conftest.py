"""The fixtures of the submission's tests: forms, orders to set an answer in them, and what runs due items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.models import BatchOperation
from operations.submission.order import NewOperation, Options, Submitted
from operations.submission.selectors import access_operation
from operations.submission.submit import submit as submit_order
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


@pytest.fixture
def system() -> Actor:
    """Return the product itself, which is always there when the operation runs."""
    return system_actor("test")


@pytest.fixture
def forms(make_form: Callable[..., UUID]) -> list[UUID]:
    """Return three forms."""
    return [make_form({"kennel_name": f"Kennel {number}"}) for number in range(3)]


@pytest.fixture
def submit(kennels: Tenant, system: Actor) -> Callable[..., Submitted]:
    """Return what submits an order to set answers; ``options`` by name."""

    def submit(items: Any = None, *, actor: Actor = system, options: Any = None, **fields: Any) -> Submitted:
        fields.setdefault("kind", "" if fields.get("plan") else "set_answers")
        order = NewOperation(items=items, options=Options(**(options or {})), **fields)
        return submit_order(order, tenant=kennels, actor=actor)

    return submit


@pytest.fixture
def run(kennels: Tenant) -> Callable[[Submitted], BatchOperation]:
    """Return what works on all due items, and returns the operation then."""

    def run(submitted: Submitted) -> BatchOperation:
        drain("default", pace=Pace(seconds=1e9))
        with use_tenant(kennels):
            return access_operation(submitted.operation.id)

    return run
