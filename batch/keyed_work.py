"""Keyed work outside of a copy's save, such as a change of a webhook endpoint: the work and its response are committed
together, so that a repeated request has no second effect.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple

from django.db import connections, transaction

from batch.errors import IdempotencyInFlight
from batch.idempotency import IdempotencyKey, KeyedResponse, StoredResponse
from batch.storage.load import load_nothing
from batch.storage.statement import compose
from redis_locks.job_mutex import JobMutex
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: Of two requests with the same key the later one does not wait; the lock ends with the transaction.
_CLAIM: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


class Outcome(NamedTuple):
    """The response to keyed work, and whether it was stored by an earlier request."""

    response: StoredResponse
    is_replayed: bool


def run_once(
    key: IdempotencyKey,
    work: Callable[[], StoredResponse],
    *,
    scope: Tenant,
    stored: Callable[[StoredResponse], StoredResponse],
) -> Outcome:
    """Return the response to ``work``, run at most once for ``key``; ``stored`` makes the form that is kept of it.

    Work that raises leaves nothing behind. Raises ``IdempotencyInFlight``, ``IdempotencyConflict``.
    """
    alias = scope.database_alias
    with use_tenant(scope), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_CLAIM, [_name_of(key, scope)])
        if not cursor.fetchone()[0]:
            raise IdempotencyInFlight
        _, earlier = load_nothing(key, scope=scope)
        if earlier is not None:
            return Outcome(earlier, is_replayed=True)
        response = work()
        cursor.execute(*compose((), KeyedResponse(key, stored(response)), scope))
    return Outcome(response, is_replayed=False)


def run_then_store(
    key: IdempotencyKey,
    work: Callable[[], StoredResponse],
    *,
    scope: Tenant,
    stored: Callable[[StoredResponse], StoredResponse],
) -> Outcome:
    """Return the response to ``work``, which has transactions of its own and may be repeated, run unless a response to
    ``key`` is stored; its response is stored afterwards.

    The key is claimed in Redis during the work, which ends soon after the process was killed; while Redis is away both
    of two requests may work, and the response that was stored first counts. Raises ``IdempotencyInFlight``,
    ``IdempotencyConflict``.
    """
    # A digest: keys are the callers' words.
    with JobMutex(f"keyed work {sha256(_name_of(key, scope).encode()).hexdigest()}") as is_ours:
        if not is_ours:
            raise IdempotencyInFlight
        with use_tenant(scope):
            _, earlier = load_nothing(key, scope=scope)
        if earlier is not None:
            return Outcome(earlier, is_replayed=True)
        response = work()
        return run_once(key, lambda: response, scope=scope, stored=stored)


def _name_of(key: IdempotencyKey, scope: Tenant) -> str:
    return "\n".join((str(scope.id), key.client, key.key))
