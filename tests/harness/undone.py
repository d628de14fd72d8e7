"""Takes back what a step of a test writes, as the end of a test does: one setup is enough for many steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django_redis import get_redis_connection

from tests.harness.cast import PROCESS


@contextmanager
def undone() -> Iterator[None]:
    """Roll the block's rows back, and delete its keys in Redis."""
    block = transaction.atomic()
    # As pytest-django marks its own: the product may begin transactions inside.
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)
    forget_keys()


def forget_keys() -> None:
    """Delete the keys of this test process from Redis, and none of others."""
    redis = get_redis_connection("default")
    ours = (f"*{PROCESS}*", f"release:{connection.settings_dict['NAME']}:*")
    left = [key for pattern in ours for key in redis.scan_iter(pattern, count=1_000)]
    if left:
        redis.delete(*left)
