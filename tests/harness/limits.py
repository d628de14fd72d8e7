"""Rate limits for a test, without rows in the database; the fixture ``limits_on`` must be in use."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import pytest

from tenants.limit_models import RateLimit
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.limits.scopes import Limit


def limit(
    monkeypatch: pytest.MonkeyPatch, *, tenants: Mapping[tuple[str, UUID], Limit | None] | None = None, **amounts: int
) -> None:  # fmt: skip
    """Allow so many uses of each named scope in five minutes, and leave the other scopes as they are by default."""
    scopes = {name: Limit(amount=amount, window=300) for name, amount in amounts.items()}
    known = StoredLimits(scopes=scopes, tenants=tenants or {})
    monkeypatch.setattr(RateLimit, "memory", LimitMemory(lambda: known))
