"""The limits that staff stored, as one process knows them: read from the database at most every few seconds.

A change is seen by every process within ``FRESH_SECONDS`` and one check. While the database is away, the last known
limits hold. Knows no models.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from django.db import Error as DatabaseError

from tenants.limits.scopes import SCOPES, Limit

#: How long a process uses what it knows.
FRESH_SECONDS: Final = 3.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredLimits:
    """The stored limits by scope, and those of tenants and API clients by scope and id. None switches a scope off."""

    scopes: Mapping[str, Limit | None] = field(default_factory=dict)
    tenants: Mapping[tuple[str, UUID], Limit | None] = field(default_factory=dict)
    clients: Mapping[tuple[str, str], Limit | None] = field(default_factory=dict)

    def find(self, scope: str, *, tenant_id: UUID | None, client_id: str) -> Limit | None:
        """Return the limit of ``scope`` for a caller: that of the API client, else of the tenant, else of all.

        None means no limit. Raises ``KeyError`` for an unknown scope.
        """
        if client_id and (scope, client_id) in self.clients:
            return self.clients[scope, client_id]
        if tenant_id is not None and (scope, tenant_id) in self.tenants:
            return self.tenants[scope, tenant_id]
        return self.scopes[scope] if scope in self.scopes else SCOPES[scope].default


class LimitMemory:
    """The stored limits of one process. ``read`` loads them; ``clock`` is in seconds."""

    def __init__(self, read: Callable[[], StoredLimits], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know only the defaults."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._known = StoredLimits()
        self.forget()

    def known(self) -> StoredLimits:
        """Return the limits as of the last seconds. While one thread reads them, the others use the former ones."""
        if self._clock() - self._read_at >= FRESH_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()
        return self._known

    def forget(self) -> None:
        """Read again at the next call."""
        self._read_at = float("-inf")

    def _refresh(self) -> None:
        self._read_at = self._clock()
        try:
            self._known = self._read()
        except DatabaseError as error:
            log.warning("limits_not_read", reason=type(error).__name__)
