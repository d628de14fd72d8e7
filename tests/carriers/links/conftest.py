"""Fixtures of carrier links: a carrier that counts, and no state of breakers and tokens from earlier tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django_redis import get_redis_connection

from tests.harness.counting_carrier import CountingCarrier, counting_carrier


@pytest.fixture(autouse=True)
def closed_circuits() -> Iterator[None]:
    """Forget breakers and tokens after each test: addresses, as of the simulator, are the same in the next one."""
    yield
    redis = get_redis_connection("default")
    for key in redis.scan_iter(f"{settings.LOCK_PREFIX}:*", count=1_000):
        redis.delete(key)


@pytest.fixture
def carrier() -> Iterator[CountingCarrier]:
    """Run a carrier that counts what it receives."""
    with counting_carrier() as running:
        yield running
