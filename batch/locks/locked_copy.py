"""Locks and loads copies: one copy, again after its lock was released, or many at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

from batch.changes.records import Loaded
from batch.errors import BatchError, LockNotAcquired, NotFound, TwiceInChunk
from batch.idempotency import IdempotencyKey
from batch.locks.copy_lock import CopyLock, CopyLocks
from batch.locks.reading_ahead import questions_about
from batch.storage.load import load
from batch.storage.load_many import load_many
from failpoints import failpoint
from redis_locks.fair_lock import FRESH_SECONDS
from redis_locks.lock_holder import Holder
from redis_locks.shared_trip import SharedTrip
from tenants.models import Tenant
from tracing import span


class LockedCopy:
    """The lock of the copy that an id means, from ``open`` to ``close``."""

    def __init__(
        self,
        form_or_copy_id: UUID,
        *,
        scope: Tenant,
        holder: Holder,
        wait: float,
        archived: bool,
        idempotency: IdempotencyKey | None,
    ) -> None:
        """Take the arguments of ``find_and_lock``; nothing is locked yet."""
        self._identity = form_or_copy_id
        self._scope = scope
        self._holder = holder
        self._wait = wait
        self._archived = archived
        self._idempotency = idempotency
        #: What goes with the round trips of the lock.
        self.trip = SharedTrip()
        self._lock: CopyLock | None = None
        self._locked_at = 0.0
        self._was_open = False

    @property
    def is_degraded(self) -> bool:
        """Return whether the work goes on without the lock: Redis is away, or the lock expired."""
        return self._lock is not None and self._lock.is_degraded

    def open(self) -> Loaded:
        """Lock and load; a second call opens the same copy. Raises ``LockNotAcquired``, ``NotFound``,
        ``IdempotencyConflict``; then nothing is locked.
        """
        try:
            loaded = self._lock_and_load()
            if loaded.copy.id != self._identity and not self._was_open:
                # A form's id: the lock is on the copy that it means.
                self.close()
                self._identity = loaded.copy.id
                loaded = self._lock_and_load()
            # A second opening locks the same copy: a form's id could mean another one meanwhile.
            if self._was_open and loaded.copy.id != self._identity:
                raise NotFound
        except BaseException:
            self.close()
            raise
        self._was_open = True
        return loaded

    def extend(self) -> None:
        """Reset the lock's time to live, unless it was acquired a moment ago."""
        if self._lock is not None and time.monotonic() - self._locked_at > FRESH_SECONDS:
            self._lock.extend()

    def close(self) -> None:
        """Release the lock, and send what follows from the saves that were made under it."""
        lock, self._lock = self._lock, None
        errands = self.trip.take_errands()
        if lock is not None:
            lock.release(errands=errands)
        if errands:
            pass_hint_sent()

    def _lock_and_load(self) -> Loaded:
        ahead = questions_about(self._identity, scope=self._scope)
        lock = CopyLock(self._scope.id, self._identity, wait=self._wait, holder=self._holder, ahead=ahead)
        with span("save.lock"):
            lock.acquire()
        self.trip.known = lock.known
        self._lock, self._locked_at = lock, time.monotonic()
        with span("save.load"):
            return load(self._identity, scope=self._scope, archived=self._archived, idempotency=self._idempotency)


def pass_hint_sent() -> None:
    """Pass the failpoint after the round trip with the hints of a save."""
    failpoint("hint_sent")


class LockedCopies:
    """The locks of the copies that many ids mean, from ``open`` to ``close``."""

    #: What follows from a chunk's saves is sent at once.
    trip: SharedTrip | None = None

    def __init__(self, *, scope: Tenant, holder: Holder, wait: float, archived: bool) -> None:
        """Take the arguments of ``find_and_lock_many``; nothing is locked yet. ``errors`` has the copies that fail."""
        self._scope = scope
        self._holder = holder
        self._wait = wait
        self._archived = archived
        self._locks: list[tuple[CopyLocks, float]] = []
        self.errors: dict[UUID, BatchError] = {}

    def open(self, form_or_copy_ids: Iterable[UUID]) -> dict[UUID, Loaded]:
        """Return the copies that could be locked and loaded, by the id that was requested."""
        loaded_by_id: dict[UUID, Loaded] = {}
        wanted = {identity: identity for identity in form_or_copy_ids}  # requested id -> locked id
        while wanted:
            locks = CopyLocks(self._scope.id, wanted.values(), wait=self._wait, holder=self._holder)
            with span("save.lock"):
                locks.acquire()
            self._locks.append((locks, time.monotonic()))
            held, missed = locks.held, locks.missed
            with span("save.load"):
                loaded = load_many(list(held), scope=self._scope, archived=self._archived)
            meant: dict[UUID, UUID] = {}
            for requested, locked in wanted.items():
                one = loaded.get(locked)
                if locked not in held:
                    self.errors[requested] = LockNotAcquired(holder=missed.get(locked))
                elif one is None:
                    self.errors[requested] = NotFound()
                elif one.copy.id == locked:
                    loaded_by_id[requested] = one
                else:
                    meant[requested] = one.copy.id  # a form's id: the lock is on the copy that it means
            wanted = self._each_once(meant, {one.copy.id for one in loaded_by_id.values()})
        return loaded_by_id

    def extend(self) -> None:
        """Reset the time to live of all locks, unless they were acquired a moment ago."""
        for number, (locks, since) in enumerate(self._locks):
            if time.monotonic() - since > FRESH_SECONDS:
                locks.extend()
                self._locks[number] = locks, time.monotonic()

    def close(self) -> None:
        """Release all locks."""
        while self._locks:
            self._locks.pop()[0].release()

    def _each_once(self, meant: dict[UUID, UUID], known: set[UUID]) -> dict[UUID, UUID]:
        """Return ``meant`` without copies that two ids mean."""
        each_once: dict[UUID, UUID] = {}
        for requested, copy_id in meant.items():
            if copy_id in known or copy_id in each_once.values():
                self.errors[requested] = TwiceInChunk()
            else:
                each_once[requested] = copy_id
        return each_once
