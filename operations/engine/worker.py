"""The worker: claims chunks of all operations of one database in fair order and runs them, until nothing is due.

Any number of workers may run, in relays and in Celery; what they share is in the rows. A chunk whose worker was killed
is worked on again when its lease ends, and finds the items that had ended already.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from structlog.contextvars import bound_contextvars

from actions.fair_shares import FairShares
from failpoints import failpoint
from operations.batch_models import BatchOperation
from operations.engine import cancellation, progress
from operations.engine.admission import admit
from operations.engine.breaker import note_fault, note_success, take_trial
from operations.engine.chunk_run import OUTAGES, ChunkResult, run_claim
from operations.engine.claims import Claim, Claims, in_fair_order, operation_of
from operations.engine.events import emit
from operations.engine.item_clock import ItemClock
from operations.engine.leases import RenewedLease
from operations.engine.limits import FAULTS_TO_PAUSE, chunk_size, lease_seconds
from operations.engine.metrics import bookkeeping_seconds, leases_lost
from operations.engine.pace import Pace
from operations.errors import LeaseLost
from operations.kinds.registry import UnknownKind, kind_named
from tenants.access import Actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant

#: What the threads of this process share: the turns of tenants, by database, and the sizes of chunks.
_SHARES: Final[dict[str, FairShares]] = {}
_PACE: Final = Pace()
#: Expired leases that are taken over between two chunks of other items, and how often to look for them, in seconds.
_LEFT_AT_ONCE: Final = 20
_LEFT_SECONDS: Final = 1.0
#: For how long a worker uses what it knows of the tenants and their weights, in seconds.
_KNOWN_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Drained:
    """The result of a drain: counts of chunks, and of items by how they ended; ``lost`` chunks went to others."""

    chunks: int = 0
    completed: int = 0
    failed: int = 0
    again: int = 0
    lost: int = 0


def drain(
    alias: str,
    *,
    stop: threading.Event | None = None,
    seconds: float | None = None,
    lease: float | None = None,
    pace: Pace | None = None,
) -> Drained:
    """Run the due items of all operations in the database ``alias``; return the counts.

    It ends when nothing is due, when ``stop`` is set, or after about ``seconds``. ``lease`` is in seconds. Raises
    ``DatabaseError``; items that could not be recorded run again.
    """
    worker = _Worker(alias, lease=lease or lease_seconds(), pace=pace or _PACE)
    ends = time.monotonic() + (settings.OPERATIONS.drain_seconds if seconds is None else seconds)
    with across_tenants(using=alias):
        cancellation.finish_cancelled(alias)
        while not (stop and stop.is_set()) and worker.round() and time.monotonic() < ends:
            pass
    return worker.drained


def run_chunk(claim: Claim, *, alias: str, lease: float | None = None, drained: Drained | None = None) -> bool:
    """Run the items of ``claim``; return whether they were worked on. Raises ``DatabaseError``."""
    worker = _Worker(alias, lease=lease or lease_seconds(), pace=_PACE)
    worker.drained = drained or worker.drained
    with across_tenants(using=alias):
        return worker.run(claim)


class _Worker:
    """The worker of one drain."""

    def __init__(self, alias: str, *, lease: float, pace: Pace) -> None:
        self.drained = Drained()
        self._alias = alias
        self._lease = lease
        self._pace = pace
        self._claims = Claims(alias, lease=lease)
        self._shares = _SHARES.setdefault(alias, FairShares())
        self._tenants: dict[UUID, Tenant] = {}
        #: What this drain cannot run: its tenant is gone or in another database.
        self._strange: set[UUID] = set()
        self._tenants_at = self._left_at = float("-inf")

    def round(self) -> bool:
        """Take over what lost workers left, then run one chunk; return whether there was anything to do."""
        found = self._take_over()
        claim = self._next()
        return (claim is not None and self.run(claim)) or found

    def _take_over(self) -> bool:
        """Run what lost workers left; look for it once a second."""
        found = False
        if time.monotonic() - self._left_at < _LEFT_SECONDS:
            return False
        for _ in range(_LEFT_AT_ONCE):
            left = self._claims.claim_left()
            if left is None:
                self._left_at = time.monotonic()
                break
            found = self.run(left) or found
        return found

    def _next(self) -> Claim | None:
        """Claim the next chunk in fair order."""
        began = time.perf_counter()
        candidates = [one for one in self._claims.candidates() if one.operation_id not in self._strange]
        self._know_tenants({one.tenant_id for one in candidates})
        weights = {tenant_id: tenant.weight for tenant_id, tenant in self._tenants.items()}
        try:
            for one in in_fair_order(candidates, shares=self._shares, weights=weights):
                limit = self._pace.size(one.operation_id, most=chunk_size(_most(one.kind)))
                claim = self._claims.claim(one.operation_id, limit=limit)
                if claim is not None:
                    self._shares.charge(one.tenant_id, len(claim.items), weight=weights.get(one.tenant_id, 1))
                    return claim
            return None
        finally:
            bookkeeping_seconds.labels("claim").inc(time.perf_counter() - began)

    def _know_tenants(self, ids: set[UUID]) -> None:
        now = time.monotonic()
        if now - self._tenants_at > _KNOWN_SECONDS:
            self._tenants, self._tenants_at = {}, now
        if unknown := ids - self._tenants.keys():
            self._tenants.update(Tenant.objects.in_bulk(unknown))

    def run(self, claim: Claim) -> bool:
        """Run one chunk; return whether its items were worked on."""
        failpoint("operation_claimed")
        operation = operation_of(claim, alias=self._alias)
        self._know_tenants({claim.items[0].tenant_id})
        tenant = self._tenants.get(claim.items[0].tenant_id)
        if operation is None or tenant is None or tenant.database_alias != self._alias:
            self._claims.give_back(claim.token)
            self._strange.add(claim.operation_id)
            return True
        bound = {"operation": str(operation.id), "kind": operation.kind, "tenant": tenant.code}
        with use_tenant(tenant), bound_contextvars(correlation_id=operation.correlation_id, **bound):
            if operation.cancelled_at is not None:
                self._claims.give_back(claim.token)
                cancellation.cancel_queued(operation, alias=self._alias)
                return True
            actor = admit(operation, tenant=tenant, give_back=lambda: self._claims.give_back(claim.token))
            if actor is None:
                # It is cancelled or paused now, so it is not claimed again; the work of others goes on.
                return True
            if not self._may_try(operation, claim):
                return True
            is_new = operation.stretch_started_at is None or operation.paused_at is not None
            if is_new and self._claims.begin(operation.id) and operation.started_at is None:
                emit("processing", operation, alias=self._alias)
            return self._work(claim, operation, tenant=tenant, actor=actor)

    def _may_try(self, operation: BatchOperation, claim: Claim) -> bool:
        """Return whether the chunk may run: after faults in a row it is the only one of its kind."""
        if operation.faults_in_row < FAULTS_TO_PAUSE or operation.resume_at is None:
            return True
        if take_trial(operation, seconds=self._lease, alias=self._alias):
            return True
        self._claims.give_back(claim.token)
        return False

    def _work(self, claim: Claim, operation: BatchOperation, *, tenant: Tenant, actor: Actor) -> bool:
        kind = kind_named(operation.kind)
        seconds = settings.OPERATIONS.item_seconds
        clock = ItemClock(len(claim.items), item_seconds=seconds, step_seconds=self._lease)
        lease = RenewedLease(self._claims, claim, alias=self._alias, lease=self._lease, clock=clock, kind=kind.code)
        try:
            with lease:
                result = run_claim(claim, operation, kind=kind, tenant=tenant, actor=actor, clock=clock)
        except (LeaseLost, *OUTAGES) as error:
            if isinstance(error, LeaseLost) or lease.is_lost:
                self.drained.lost += 1
                leases_lost.labels(kind.code).inc()
                log.warning("operation_lease_lost", items=len(claim.items))
                return True
            log.warning("operation_chunk_failed", reason=type(error).__name__, items=len(claim.items))
            # Raises while the database is away: then the items run again when their lease ends.
            self._claims.give_back(claim.token)
            note_fault(operation, alias=self._alias)
            return True
        failpoint("operation_chunk_ended")
        self._pace.note(operation.id, items=len(claim.items), seconds=result.seconds)
        self._after(operation, result)
        return True

    def _after(self, operation: BatchOperation, result: ChunkResult) -> None:
        """Count, stop at too many failures, let the circuit breaker see faults, and announce the progress."""
        self.drained.chunks += 1
        for end in result.ends:
            if end.refusal is None:
                self.drained.completed += 1
            elif end.refusal.transient:
                self.drained.again += 1
            else:
                self.drained.failed += 1
        counts = result.counts
        if counts is None:
            return
        if cancellation.has_failed_too_often(operation, counts):
            cancellation.stop(operation, reason=cancellation.too_many_failures(operation), alias=self._alias)
        elif result.is_faulty and counts.finished_at is None:
            note_fault(operation, alias=self._alias)
        elif counts.faults_in_row and result.is_sound:
            note_success(operation, alias=self._alias)
        if counts.finished_at is not None:
            self._pace.forget(operation.id)
            log.info("operation_ended", completed=counts.completed, failed=counts.failed, cancelled=counts.cancelled)
        progress.announce(operation.id, alias=self._alias, is_last=counts.finished_at is not None)


def _most(kind_code: str) -> int:
    try:
        return kind_named(kind_code).chunk_size
    except UnknownKind:
        return 1
