"""The fixtures of the kinds' tests: an operation's runner, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.kind_runs import KindRun


@pytest.fixture
def operation(kennels: Tenant, agent: Actor) -> KindRun:
    """Return an operation of the agent at the tenant of the kennels."""
    return KindRun(kennels, agent)


@pytest.fixture
def value_of(kennels: Tenant, agent: Actor) -> Callable[[UUID, str], Any]:
    """Return a reader of one answer of a copy."""

    def value(copy_id: UUID, path: str) -> Any:
        return batch.find_changeset(copy_id, scope=kennels, actor=agent).find_answer(path).value

    return value
