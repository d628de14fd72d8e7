"""The lock on a copy: for fairness and waiting only. What keeps saves safe is the version in the UPDATE.

With Redis away, work goes on without the lock; that is counted and logged.
"""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import Final
from uuid import UUID

import redis
import structlog
from django_redis import get_redis_connection
from prometheus_client import Counter
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from batch.errors import LockNotAcquired
from tenants.failpoints import reach

TTL_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.01

log = structlog.get_logger(__name__)
without_lock = Counter("partner_engine_saves_without_lock_total", "Work done without its lock: Redis was away")
lost_lock = Counter("partner_engine_locks_lost_total", "Locks that ran out before their unit of work ended")


class CopyLock:
    """The lock of one copy, held between ``__enter__`` and ``__exit__``, in one thread or several."""

    def __init__(self, tenant_id: UUID, copy_id: UUID, *, wait: float) -> None:
        """Take the lock's place; ``wait`` is how many seconds to wait for it, 0 not at all."""
        self._name = f"lock:copy:{tenant_id}:{copy_id}"
        self._wait = wait
        self._lock: Lock | None = None

    def __enter__(self) -> CopyLock:
        """Wait for the lock. Raises ``LockNotAcquired``."""
        client: redis.Redis = get_redis_connection("default")
        # Jitter keeps waiters from polling in step.
        poll = POLL_SECONDS * (0.8 + secrets.randbelow(400) / 1_000)
        lock = client.lock(self._name, timeout=TTL_SECONDS, sleep=poll, thread_local=False)
        try:
            acquired = lock.acquire(blocking=self._wait > 0, blocking_timeout=self._wait or None)
        except RedisError as error:
            without_lock.inc()
            log.warning("save_without_lock", reason=type(error).__name__)
            return self
        if not acquired:
            raise LockNotAcquired
        self._lock = lock
        reach("lock_acquired")
        return self

    def extend(self) -> None:
        """Give the lock its whole time again; done before the transaction, so that it does not run out inside."""
        if self._lock is None:
            return
        try:
            self._lock.reacquire()
        except (LockError, RedisError):
            # The version still decides; only fairness is lost.
            lost_lock.inc()
            self._lock = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        """Free the lock, whatever happened."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        reach("lock_releasing")
        try:
            lock.release()
        except (LockError, RedisError):
            lost_lock.inc()
        reach("lock_released")
