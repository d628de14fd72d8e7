"""How one copy is locked and loaded: first, and again after its lock was given up."""

from __future__ import annotations

from uuid import UUID

from batch.errors import NotFound
from batch.idempotency import IdempotencyKey
from batch.loading import Loaded, load
from batch.locking import CopyLock
from tenants.models import Tenant


class Opening:
    """Holds the lock of the copy that an id means, while it is open."""

    def __init__(
        self, form_or_copy_id: UUID, *, scope: Tenant, wait: float, archived: bool, idempotency: IdempotencyKey | None
    ) -> None:
        """Take what ``find_and_lock`` was given; nothing is locked yet."""
        self._identity = form_or_copy_id
        self._scope = scope
        self._wait = wait
        self._archived = archived
        self._idempotency = idempotency
        self._lock: CopyLock | None = None
        self._was_open = False

    @property
    def is_degraded(self) -> bool:
        """Tell whether the work goes on without the lock, because Redis is away."""
        return False

    def open(self) -> Loaded:
        """Lock and load; again it is the same copy. Raises ``LockNotAcquired``, ``NotFound``, ``IdempotencyConflict``;
        then nothing is locked.
        """
        try:
            loaded = self._lock_and_load()
            if loaded.copy.id != self._identity and not self._was_open:
                # A form's id: the lock is on the copy that it means.
                self.close()
                self._identity = loaded.copy.id
                loaded = self._lock_and_load()
            # Opened before, the id means that copy alone: a form's id could lead to another one by now.
            if self._was_open and loaded.copy.id != self._identity:
                raise NotFound
        except BaseException:
            self.close()
            raise
        self._was_open = True
        return loaded

    def extend(self) -> None:
        """Give the lock its whole time again."""
        if self._lock is not None:
            self._lock.extend()

    def close(self) -> None:
        """Free the lock."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.__exit__(None, None, None)

    def _lock_and_load(self) -> Loaded:
        lock = CopyLock(self._scope.id, self._identity, wait=self._wait)
        lock.__enter__()
        self._lock = lock
        return load(self._identity, scope=self._scope, archived=self._archived, idempotency=self._idempotency)
