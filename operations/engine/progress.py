"""Announces the progress of operations to listeners, at most four times a second each; the last one always.

Several workers share the limit through Redis; without it each process holds to it alone. A listener is registered from
above when the product starts, such as the sockets. An announcement is a hint: it may be lost, and polling works too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from operations.batch_models import BatchOperation
from operations.engine.status import OperationStatus, status_of
from redis_locks.outage import outage
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The least time between two announcements of one operation, in seconds.
INTERVAL: Final = 0.25
#: Carries the status of an operation to its viewers; ``bool`` says whether the operation has ended.
Listener: TypeAlias = Callable[[BatchOperation, OperationStatus, bool], None]

log = structlog.get_logger(__name__)
_listeners: Final[list[Listener]] = []
_announced: Final[dict[UUID, float]] = {}
_guard: Final = threading.Lock()


def register_listener(listener: Listener) -> None:
    """Call ``listener`` with each announcement; done when the product starts. Registered twice it is called once."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(operation_id: UUID, *, alias: str, is_last: bool = False) -> None:
    """Announce the status of an operation unless that was done just now; with ``is_last`` in any case. Never raises."""
    if not _listeners or not (is_last or _is_due(operation_id)):
        return
    try:
        operation = BatchOperation.objects.using(alias).filter(pk=operation_id).first()
        if operation is None:
            return
        with use_tenant(Tenant.objects.get(pk=operation.tenant_id)):
            status = status_of(operation)
            for listener in _listeners:
                listener(operation, status, operation.finished_at is not None)
    except DatabaseError:
        raise
    except Exception:
        # The items have ended; an error of a listener must not make the worker repeat them.
        log.exception("progress_not_announced", operation=str(operation_id))


def _is_due(operation_id: UUID) -> bool:
    now = time.monotonic()
    with _guard:
        if now - _announced.get(operation_id, float("-inf")) < INTERVAL:
            return False
        _announced[operation_id] = now
        for old in [one for one, at in _announced.items() if now - at > 60 * INTERVAL]:
            del _announced[old]
    try:
        client: Redis = outage.client_or_raise(get_redis_connection("default"))
        key = f"{settings.LOCK_PREFIX}:operation_progress:{operation_id}"
        return bool(client.set(key, b"1", nx=True, px=int(INTERVAL * 1000)))
    except RedisError as error:
        outage.failed_with(error)
        return True
