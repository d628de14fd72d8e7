"""The lock of a copy, for fairness and waiting only. The version in the UPDATE keeps saves safe.

With Redis away, work goes on without the lock; that is counted, logged and reported (``is_degraded``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import redis
import structlog
from prometheus_client import Counter, Histogram
from redis.exceptions import LockError, RedisError

from batch.errors import LockNotAcquired
from failpoints import failpoint
from redis_locks.client_factory import get_redis_connection
from redis_locks.fair_lock import TTL_SECONDS, FairLock, lock_name
from redis_locks.lock_holder import Holder, holder_here
from redis_locks.many_locks import ManyLocks
from redis_locks.outage import outage
from redis_locks.shared_trip import Command, Errand, run_errands
from tenants.access import Actor

__all__ = ["TTL_SECONDS", "CopyLock", "CopyLocks", "copy_lock_name", "holder_of"]

KIND: Final = "copy"

log = structlog.get_logger(__name__)
without_lock = Counter("partner_engine_saves_without_lock_total", "Work done without its lock: Redis was away")
lost_lock = Counter("partner_engine_locks_lost_total", "Locks that expired before their unit of work ended")
lock_wait = Histogram(
    "partner_engine_lock_wait_seconds",
    "How long a copy's lock was waited for, and whether it was taken or missed",
    ["outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


def copy_lock_name(tenant_id: UUID, copy_id: UUID) -> str:
    """Return the key of a copy's lock."""
    return lock_name(KIND, tenant_id, copy_id)


def holder_of(actor: Actor) -> Holder:
    """Return ``actor`` as the holder of a lock: kind, id and name, and where they work. Nothing sensitive."""
    name = f"{actor.type} {actor.id}"
    return holder_here(who=f"{actor.label} ({name})" if actor.label else name, entry_point=actor.source)


class CopyLock:
    """The lock of one copy, held from ``acquire`` to ``release``, in one thread or several."""

    #: Whether the work goes on without the lock: Redis is away, or the lock expired.
    is_degraded = False

    def __init__(
        self, tenant_id: UUID, copy_id: UUID, *, wait: float, holder: Holder, ahead: Sequence[Command] = ()
    ) -> None:
        """Prepare the lock for ``holder``; ``wait`` is in seconds, 0 does not wait. The replies to ``ahead`` are
        ``known`` with the lock, if it was free.
        """
        self._ahead = ahead
        self._name = copy_lock_name(tenant_id, copy_id)
        self._wait = wait
        self._holder = holder
        self._lock: FairLock | None = None

    @property
    def is_held(self) -> bool:
        """Return whether the lock is held, as far as is known without a round trip."""
        return self._lock is not None

    @property
    def known(self) -> dict[Command, Any]:
        """Return the replies that came ahead with the lock."""
        return self._lock.known if self._lock is not None else {}

    def acquire(self) -> None:
        """Wait for the lock in turn. Raises ``LockNotAcquired``, which names the holder."""
        started = time.perf_counter()
        try:
            lock = FairLock(_client(), self._name, holder=self._holder, ttl=TTL_SECONDS)
            taken = lock.take(wait=self._wait, ahead=self._ahead)
        except RedisError as error:
            self.is_degraded = True
            _go_without(error)
            return
        lock_wait.labels("taken" if taken else "missed").observe(time.perf_counter() - started)
        if not taken:
            raise LockNotAcquired(holder=lock.holder)
        self._lock = lock
        failpoint("lock_acquired")

    def extend(self) -> None:
        """Reset the lock's time to live; called before the write, so that it does not expire inside."""
        if self._lock is None:
            return
        try:
            self._lock.extend()
        except (LockError, RedisError) as error:
            # The version still decides; only fairness is lost.
            _note_loss(error)
            self._lock = None
            self.is_degraded = True

    def release(self, *, errands: Sequence[Errand] = ()) -> None:
        """Release the lock if it is held, and run ``errands`` in the same round trip, or without the lock; never
        raises.
        """
        lock, self._lock = self._lock, None
        if lock is None:
            run_errands(_client, errands)
            return
        failpoint("lock_releasing")
        try:
            lock.release(errands=errands)
        except (LockError, RedisError) as fault:
            _note_loss(fault)
        failpoint("lock_released")

    def __enter__(self) -> CopyLock:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class CopyLocks:
    """The locks of many copies of one tenant, for a chunk: one round trip each to acquire, extend and release all.

    ``held`` are the copies to work on, ``missed`` those that others hold. With Redis away all are worked on unlocked.
    """

    is_degraded = False

    def __init__(self, tenant_id: UUID, copy_ids: Iterable[UUID], *, wait: float, holder: Holder) -> None:
        """Prepare the locks for ``holder``; ``wait`` is in seconds, for the locks that others hold."""
        self._copies = {copy_lock_name(tenant_id, copy_id): copy_id for copy_id in copy_ids}
        self._wait = wait
        self._holder = holder
        self._locks: ManyLocks | None = None

    @property
    def held(self) -> frozenset[UUID]:
        """Return the copies that may be worked on: those whose locks are held, or all when Redis is away."""
        if self.is_degraded:
            return frozenset(self._copies.values())
        return frozenset(self._copies[name] for name in self._locks.held) if self._locks else frozenset()

    @property
    def missed(self) -> dict[UUID, Holder | None]:
        """Return the copies whose locks were not acquired, each with its holder, None where that is unknown."""
        if self.is_degraded or self._locks is None:
            return {}
        return {self._copies[name]: holder for name, holder in self._locks.missed.items()}

    def acquire(self) -> None:
        """Take the locks that are free, and wait in turn for the others."""
        started = time.perf_counter()
        try:
            locks = ManyLocks(_client(), self._copies, holder=self._holder)
        except RedisError as error:
            self._go_on_without(error)
            return
        try:
            locks.take(wait=self._wait)
        except RedisError as error:
            self._go_on_without(error)
            return
        except BaseException:
            with contextlib.suppress(RedisError):
                locks.withdraw()
            raise
        lock_wait.labels("missed" if locks.missed else "taken").observe(time.perf_counter() - started)
        self._locks = locks

    def extend(self) -> frozenset[UUID]:
        """Reset the time to live of all locks; return the copies whose lock expired: their version guards them."""
        if self._locks is None or self.is_degraded:
            return frozenset()
        try:
            lost = self._locks.extend()
        except RedisError as error:
            self._go_on_without(error)
            return frozenset()
        lost_lock.inc(len(lost))
        return frozenset(self._copies[name] for name in lost)

    def release(self) -> None:
        """Release all locks that are held; never raises."""
        locks, self._locks = self._locks, None
        if locks is None or self.is_degraded:
            return
        try:
            lost_lock.inc(len(locks.release()))
        except RedisError:
            outage.failed()
            lost_lock.inc(len(self._copies))

    def __enter__(self) -> CopyLocks:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def _go_on_without(self, error: RedisError) -> None:
        self.is_degraded = True
        _go_without(error, copies=len(self._copies))


def _client() -> redis.Redis:
    """Return Redis. Raises ``RedisError`` when it is away, or failed a moment ago."""
    return outage.client_or_raise(get_redis_connection("default"))


def _go_without(error: RedisError, *, copies: int = 1) -> None:
    outage.failed_with(error)
    without_lock.inc(copies)
    log.warning("save_without_lock", reason=type(error).__name__, copies=copies)


def _note_loss(error: RedisError) -> None:
    lost_lock.inc()
    # An expired lock proves that Redis responds; any other error means that Redis is away.
    if not isinstance(error, LockError):
        outage.failed()
