"""Runs a job in at most one process at a time; a second one is refused at once.

The lock is extended while the job runs, freed on every way out, and expires soon after a process was killed. While
Redis is away a job runs anyway, because running twice wastes work but does no harm, unless it ``must_be_alone``.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Final

import structlog
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import LockError, RedisError

from redis_locks.fair_lock import TTL_SECONDS, FairLock, lock_name
from redis_locks.lock_holder import Holder, holder_here

KIND: Final = "job"

log = structlog.get_logger(__name__)


class JobMutex:
    """The right to run the job ``name``: ``with JobMutex(name) as is_ours`` yields False if another has it."""

    def __init__(
        self, name: str, *, must_be_alone: bool = False, ttl: float = TTL_SECONDS, client: Redis | None = None
    ) -> None:  # fmt: skip
        """Prepare the mutex; after a crash it is free again within ``ttl`` seconds."""
        #: The process that runs the job, if it is another one.
        self.holder: Holder | None = None
        self._job = name
        self._ttl = ttl
        self._must_be_alone = must_be_alone
        redis: Redis = client or get_redis_connection("default")
        self._lock = FairLock(
            redis, lock_name(KIND, name), holder=holder_here(who=f"job {name}", entry_point="job"), ttl=ttl
        )
        self._over = threading.Event()
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> bool:
        """Return whether the job may run in this process now; does not wait."""
        try:
            taken = self._lock.take(wait=0)
        except RedisError as error:
            log.warning("job_without_mutex", job=self._job, reason=type(error).__name__)
            return not self._must_be_alone
        self.holder = None if taken else self._lock.holder
        if taken:
            # A daemon thread: it must not keep the process alive after the job.
            self._keeper = threading.Thread(target=self._keep, name=f"mutex of {self._job}", daemon=True)
            self._keeper.start()
        return taken

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        """Free the mutex."""
        if self._keeper is None:
            return
        self._over.set()
        self._keeper.join()
        try:
            self._lock.release()
        except RedisError as fault:
            log.warning("job_mutex_lost", job=self._job, reason=type(fault).__name__)

    def _keep(self) -> None:
        """Extend the lock until the job ends."""
        while not self._over.wait(self._ttl / 3):
            try:
                self._lock.extend()
            except LockError:
                log.warning("job_mutex_lost", job=self._job, reason="ran out")
                return
            except RedisError as error:
                # Redis may be back before the lock expires.
                log.warning("job_mutex_not_extended", job=self._job, reason=type(error).__name__)
