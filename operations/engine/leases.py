"""Renews the lease of a chunk while its work takes long, in a thread and on a connection of its own."""

from __future__ import annotations

import threading
from types import TracebackType
from uuid import UUID

import structlog
from django.db import DatabaseError, connections

from operations.engine.claims import Claims
from tenants.current_tenant import across_tenants

log = structlog.get_logger(__name__)


class RenewedLease:
    """Renews the lease ``token`` every third of its time inside the block."""

    def __init__(self, claims: Claims, token: UUID, *, alias: str, lease: float) -> None:
        """Renew nothing before the block begins."""
        self._claims = claims
        self._token = token
        self._alias = alias
        self._lease = lease
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease of {alias}", daemon=True)

    def __enter__(self) -> RenewedLease:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        """Stop the thread."""
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        is_used = False
        try:
            while not self._over.wait(self._lease / 3):
                is_used = True
                try:
                    with across_tenants(using=self._alias):
                        self._claims.renew(self._token)
                except DatabaseError as error:
                    log.warning("operation_lease_not_renewed", database=self._alias, reason=type(error).__name__)
                    connections[self._alias].close()
        finally:
            if is_used:
                connections[self._alias].close()
