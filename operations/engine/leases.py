"""Renews the lease of a chunk while its work takes long, in a thread and on a connection of its own.

Work that hangs does not keep its items: where a step takes longer than allowed, the thread takes them away. Whatever
the hanging work does afterwards is undone, because it cannot record the ends of its items any more.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connections, transaction

from operations.batch_models import OperationItem
from operations.engine import progress
from operations.engine.claims import Claim, Claims
from operations.engine.ends import Counts, end_items
from operations.engine.item_clock import ItemClock, Overdue
from operations.engine.metrics import hung_threads, item_timeouts
from operations.errors import LeaseLost
from operations.kinds.kind import ItemEnd
from operations.kinds.refusals import TOO_SLOW
from tenants.current_tenant import across_tenants

#: The longest time between two looks at the clock, in seconds.
_LOOK: Final = 1.0

log = structlog.get_logger(__name__)


class RenewedLease:
    """Renews the lease of ``claim`` every third of its time inside the block, as long as ``clock`` allows."""

    def __init__(self, claims: Claims, claim: Claim, *, alias: str, lease: float, clock: ItemClock, kind: str) -> None:  # noqa: PLR0913 - each is named at the call
        """Renew nothing before the block begins. ``kind`` is the kind's code."""
        #: Whether the items were taken away.
        self.is_lost = False
        self._claims = claims
        self._claim = claim
        self._alias = alias
        self._lease = lease
        self._clock = clock
        self._kind = kind
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
        if self.is_lost:
            hung_threads.dec()

    def _renew(self) -> None:
        is_used = False
        renewed_at = time.monotonic()
        try:
            while not self._over.wait(min(self._lease / 3, _LOOK)):
                overdue = self._clock.overdue()
                if overdue is None and time.monotonic() - renewed_at < self._lease / 3:
                    continue
                is_used = True
                try:
                    with across_tenants(using=self._alias):
                        if overdue is not None:
                            self._take_away(overdue)
                            return
                        self._claims.renew(self._claim.token)
                        renewed_at = time.monotonic()
                except DatabaseError as error:
                    log.warning("operation_lease_not_renewed", database=self._alias, reason=type(error).__name__)
                    connections[self._alias].close()
        finally:
            if is_used:
                connections[self._alias].close()

    def _take_away(self, overdue: Overdue) -> None:
        """Fail the item that takes too long, and queue the others again; where it is not known which one it is, let
        all be claimed again one by one, as those that may have stopped a worker.
        """
        item = self._claim.items[0] if len(self._claim.items) == 1 else self._named(overdue.item_id)
        if item is None:
            counts, released = None, self._claims.expire(self._claim.token)
            item_timeouts.labels(self._kind).inc()
        else:
            counts = fail_as_too_slow(self._claim, item, alias=self._alias, kind=self._kind)
            released = self._claims.give_back(self._claim.token)
        if counts is None and not released:
            # All of it ended at the last moment.
            return
        self.is_lost = True
        hung_threads.inc()
        log.warning("operation_chunk_taken_away", operation=str(self._claim.operation_id), items=released)
        if counts is not None:
            progress.announce(self._claim.operation_id, alias=self._alias, is_last=counts.finished_at is not None)

    def _named(self, item_id: UUID | None) -> OperationItem | None:
        return next((item for item in self._claim.items if item.id == item_id), None)


def fail_as_too_slow(claim: Claim, item: OperationItem, *, alias: str, kind: str) -> Counts | None:
    """Fail ``item`` of ``claim``, whose work can then record nothing any more; return the operation's counts, None if
    the item ended at the last moment. ``kind`` is the kind's code. Raises ``DatabaseError``.
    """
    end = ItemEnd(item_id=item.id, refusal=TOO_SLOW)
    try:
        with transaction.atomic(using=alias):
            counts = end_items(
                [end],
                alias=alias,
                operation_id=claim.operation_id,
                token=claim.token,
                tries={item.id: item.attempts},
            )
    except LeaseLost:
        return None
    item_timeouts.labels(kind).inc()
    log.warning("operation_item_timed_out", operation=str(claim.operation_id), number=item.number)
    return counts
