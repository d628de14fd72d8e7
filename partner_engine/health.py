"""The health of the parts of the product, and the endpoints for load balancers (``full_health`` is for monitors)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from actions.poller import relay_heartbeat
from partner_engine.celery import BEAT_HEARTBEAT, WORKER_HEARTBEAT
from partner_engine.connection_budget import known_overdrafts
from redis_locks.heartbeats import last_heartbeats

PartState: TypeAlias = Literal["ok", "degraded", "failed"]

#: Silence of a process that is longer than this means that it is dead or stuck. The relay reports every ten seconds,
#: beat and the workers with a task every thirty.
RELAY_SILENCE: Final = timedelta(seconds=90)
CELERY_SILENCE: Final = timedelta(minutes=2)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LastSign:
    """The last sign of life of a kind of process; ``at`` is None without one in the last day."""

    at: datetime | None
    is_silent: bool


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Return 200: the process runs. Checks nothing else, so that a failed database restarts no web server."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Return 200 if every database and Redis are available, else 503; ``parts`` lists the state of each.

    ``?database=`` (repeatable) limits it to these databases, 400 for an unknown one: a tenant's server that is away is
    no reason to take web processes from all others.

    ``notes`` names servers that allow fewer connections than this installation may open.

    A Redis that refuses writes is ``degraded``, with 200: saves, pages and the API work without it, more slowly.
    """
    chosen = request.GET.getlist("database") or list(connections)
    if unknown := sorted(set(chosen) - set(connections)):
        text = f"There is no database {', '.join(unknown)[:200]!r}."
        return JsonResponse({"status": "unknown_database", "detail": text}, status=400)
    parts: dict[str, PartState] = {f"database:{alias}": state_of_database(alias) for alias in chosen}
    parts["redis"] = state_of_redis()
    impaired = [part for part, state in parts.items() if state != "ok"]
    is_failed = "failed" in parts.values()
    status = "unavailable" if is_failed else "degraded" if impaired else "ready"
    if impaired:
        log.warning("not_ready", failed=impaired)
    body: dict[str, object] = {"status": status, "parts": parts}
    if not is_failed and (notes := known_overdrafts()):
        body["notes"] = notes
    return JsonResponse(body, status=503 if is_failed else 200)


def state_of_database(alias: str) -> PartState:
    """Return whether the database ``alias`` responds."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "failed"
    return "ok"


def state_of_redis() -> PartState:
    """Return whether Redis responds and takes writes."""
    try:
        client = get_redis_connection("default")
        client.ping()
    except RedisError:
        return "failed"
    try:
        # A replica, full memory and too few replicas respond to pings and refuse writes.
        client.set(f"{settings.LOCK_PREFIX}:readiness", b"1", ex=60)
    except RedisError:
        return "degraded"
    return "ok"


def missing_migrations(alias: str) -> list[str]:
    """Return the migrations that the database ``alias`` lacks. Raises ``DatabaseError``."""
    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def last_signs_of_relays() -> dict[str, LastSign]:
    """Return the last sign of life of the relays by database. Raises ``RedisError``."""
    return _last_signs({alias: relay_heartbeat(alias) for alias in connections}, most=RELAY_SILENCE)


def last_signs_of_celery() -> dict[str, LastSign]:
    """Return the last signs of life of ``beat`` and of a ``worker``. Raises ``RedisError``."""
    return _last_signs({"beat": BEAT_HEARTBEAT, "worker": WORKER_HEARTBEAT}, most=CELERY_SILENCE)


def _last_signs(names: Mapping[str, str], *, most: timedelta) -> dict[str, LastSign]:
    seen, now = last_heartbeats(names.values()), timezone.now()
    return {
        process: LastSign(at, is_silent=at is None or now - at > most)
        for process, at in ((process, seen[name]) for process, name in names.items())
    }
