"""Small operations, worked on at once: a bounded thread pool inside the request, results in the order of the input.

Each thread has a connection of its own and starts without any context of the request. An item that takes too long loses
its lease: what its thread does afterwards is undone, and the item fails.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextvars import Context
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from structlog.contextvars import bound_contextvars

from operations.batch_models import BatchOperation, OperationItem
from operations.engine import progress
from operations.engine.admission import admit
from operations.engine.chunk_run import run_claim
from operations.engine.claims import Claim, Claims
from operations.engine.events import emit
from operations.engine.leases import fail_as_too_slow
from operations.engine.limits import MOST_AT_ONCE, lease_seconds
from operations.engine.metrics import pool_threads, pool_waits
from operations.errors import LeaseLost, OperationIsTooLarge
from operations.kinds.registry import kind_named
from tenants.current_tenant import current_tenant, use_tenant
from tenants.models import Tenant

#: How often the caller looks at the item that it waits for, in seconds.
_LOOK: Final = 0.01

log = structlog.get_logger(__name__)


def threads_for(items: int, *, alias: str) -> int:
    """Return how many threads work on so many ``items``: one connection of the pool is left to the request."""
    pool = connections.settings[alias]["OPTIONS"].get("pool") or {}
    size = int(pool.get("max_size", 0)) if isinstance(pool, dict) else 0
    return max(1, min(items, settings.OPERATIONS.threads, size - 1 if size else settings.OPERATIONS.threads))


def run_at_once(operation: BatchOperation) -> list[OperationItem]:
    """Work on all items of a small ``operation`` of the current tenant now; return them in the order of the input.

    Items that fail for a passing reason are queued again; the caller wakes the workers for them. If the operation may
    not go on, because its creator has lost a right or the feature was switched off, its items are cancelled or wait.
    Raises ``OperationIsTooLarge``, ``DatabaseError``.
    """
    if operation.total > MOST_AT_ONCE:
        raise OperationIsTooLarge(operation.total, MOST_AT_ONCE)
    tenant = current_tenant()
    alias = tenant.database_alias
    claims = Claims(alias, lease=lease_seconds())
    one_by_one = []
    if admit(operation, tenant=tenant) is not None:
        found = (claims.claim(operation.id, limit=1) for _ in range(operation.total))
        one_by_one = [claim for claim in found if claim is not None]
    if one_by_one:
        if claims.begin(operation.id) and operation.started_at is None:
            emit("processing", operation, alias=alias)
        _run_all(one_by_one, operation, tenant=tenant)
    progress.announce(operation.id, alias=alias, is_last=True)
    return list(OperationItem.objects.filter(operation_id=operation.id).order_by("number"))


class _Running:
    """When each item began, as its thread says."""

    def __init__(self) -> None:
        self.began: dict[UUID, float] = {}
        self.submitted_at = time.monotonic()


def _run_all(claims: Sequence[Claim], operation: BatchOperation, *, tenant: Tenant) -> None:
    """Run every claim in a thread, and take its lease from the one that takes too long."""
    running = _Running()
    threads = threads_for(len(claims), alias=tenant.database_alias)
    pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=f"operation {operation.id}")
    try:
        futures = [
            # An empty context: neither tenant nor log values of the request reach the thread.
            pool.submit(Context().run, _run_one, claim, operation, tenant, running)
            for claim in claims
        ]
        for claim, future in zip(claims, futures, strict=True):
            _wait_for(future, claim, operation, running)
    finally:
        # A thread that hangs must not hold up the response; what it does is undone.
        pool.shutdown(wait=False, cancel_futures=True)


def _wait_for(future: Future[None], claim: Claim, operation: BatchOperation, running: _Running) -> None:
    allowed = settings.OPERATIONS.item_seconds
    patience = allowed * MOST_AT_ONCE
    while True:
        try:
            future.result(timeout=_LOOK)
        except TooLate:
            now = time.monotonic()
            began = running.began.get(claim.token)
            if (began is not None and now - began > allowed) or now - running.submitted_at > patience:
                # Its thread can record nothing any more.
                alias = current_tenant().database_alias
                fail_as_too_slow(claim, claim.items[0], alias=alias, kind=operation.kind)
                return
            continue
        return


def _run_one(claim: Claim, operation: BatchOperation, tenant: Tenant, running: _Running) -> None:
    """Run one item in a thread of the pool; it ends without a connection."""
    running.began[claim.token] = time.monotonic()
    pool_waits.observe(running.began[claim.token] - running.submitted_at)
    pool_threads.inc()
    try:
        with (
            use_tenant(tenant),
            bound_contextvars(correlation_id=operation.correlation_id, operation=str(operation.id)),
        ):
            claims = Claims(tenant.database_alias, lease=lease_seconds())
            actor = admit(operation, tenant=tenant, give_back=lambda: claims.give_back(claim.token))
            if actor is not None:
                run_claim(claim, operation, kind=kind_named(operation.kind), tenant=tenant, actor=actor)
    except LeaseLost:
        log.warning("operation_lease_lost", operation=str(operation.id))
    except DatabaseError as error:
        # The lease ends by itself, and a worker takes the item over.
        log.warning("operation_item_failed", operation=str(operation.id), reason=type(error).__name__)
    finally:
        pool_threads.dec()
        connections.close_all()
