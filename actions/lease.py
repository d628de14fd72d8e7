"""The leases of one claim: renewed while a handler runs long, and returned for rows that wait behind it.

Runs in a thread of its own with a connection of its own, which stays idle while actions are quick.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connections

from actions.claims import Claims, LeasedAction
from tenants.current_tenant import across_tenants

#: Seconds after which rows that were not started are returned to other workers.
PATIENCE: Final = 1.0
#: The longest time for which a handler's lease is renewed: after that it counts as hanging, and another worker may try.
MOST_SECONDS: Final = 600.0

log = structlog.get_logger(__name__)


class LeasedRows:
    """The rows of one claim; ``next()`` returns them one by one, ``next_like()`` those that may run with one, and
    ``put_back()`` lets these run alone.
    """

    def __init__(self, claims: Claims, rows: Sequence[LeasedAction], *, alias: str, lease: float) -> None:
        """Take over ``rows``, leased just now for ``lease`` seconds in the database ``alias``."""
        self.given_back = 0
        self._claims = claims
        self._alias = alias
        self._lease = lease
        self._guard = threading.Lock()
        self._waiting = deque(rows)
        self._begun: set[UUID] = set()
        self._alone: set[UUID] = set()
        self._claimed_at = self._began_at = time.monotonic()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"relay of {alias}", daemon=True)

    def __enter__(self) -> LeasedRows:
        """Start the renewing thread."""
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        """Stop renewing; the remaining leases expire by themselves."""
        self._over.set()
        self._keeper.join()

    def next(self) -> LeasedAction | None:
        """Return the next row to run, or None when none is left."""
        with self._guard:
            if not self._waiting:
                return None
            row = self._waiting.popleft()
            self._begun.add(row.id)
            self._began_at = time.monotonic()
            return row

    def next_like(self, first: LeasedAction, *, most: int) -> list[LeasedAction]:
        """Return the next rows of the kind and tenant of ``first``, up to ``most``. One that may have killed its worker
        runs alone, and so does one that was put back.
        """
        if self._runs_alone(first):
            return []
        with self._guard:
            alike = [
                row
                for row in self._waiting
                if (row.kind, row.tenant_id) == (first.kind, first.tenant_id) and not self._runs_alone(row)
            ][:most]
            taken = {row.id for row in alike}
            self._waiting = deque(row for row in self._waiting if row.id not in taken)
            self._begun |= taken
            return alike

    def put_back(self, rows: Sequence[LeasedAction]) -> None:
        """Let ``rows``, of ``next_like()``, be the next ones, each alone."""
        ids = {row.id for row in rows}
        with self._guard:
            self._waiting.extendleft(reversed(rows))
            self._begun -= ids
            self._alone |= ids

    def _runs_alone(self, row: LeasedAction) -> bool:
        return row.crashes > 0 or row.id in self._alone

    def ended(self, ids: Iterable[UUID]) -> None:
        """Forget rows whose end is recorded."""
        with self._guard:
            self._begun.difference_update(ids)

    def _keep(self) -> None:
        """Renew leases until all rows have run."""
        pause = min(PATIENCE, self._lease / 3)
        renewed_at = time.monotonic()
        used = False
        try:
            while not self._over.wait(pause):
                try:
                    with across_tenants(using=self._alias):
                        used |= self._surrender()
                        if time.monotonic() - renewed_at >= self._lease / 3:
                            used = True
                            self._renew()
                            renewed_at = time.monotonic()
                except DatabaseError as error:
                    # The next turn may succeed on a new connection; if none does, another worker runs the rows again.
                    log.warning("lease_not_renewed", database=self._alias, reason=type(error).__name__)
                    connections[self._alias].close()
        finally:
            if used:
                connections[self._alias].close()

    def _surrender(self) -> bool:
        """Return rows that waited too long behind others; return whether there were any."""
        with self._guard:
            if not self._waiting or time.monotonic() - self._claimed_at < PATIENCE:
                return False
            ids = [row.id for row in self._waiting]
            self._waiting.clear()
        self.given_back += self._claims.give_back(ids)
        return True

    def _renew(self) -> None:
        with self._guard:
            is_hanging = time.monotonic() - self._began_at > MOST_SECONDS
            ids = [*self._begun, *(row.id for row in self._waiting)]
        if not is_hanging:
            self._claims.renew(ids)
