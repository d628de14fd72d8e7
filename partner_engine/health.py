"""Health endpoints for load balancers and operators."""

from __future__ import annotations

from typing import Literal, TypeAlias

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from partner_engine.connection_budget import known_overdrafts

PartState: TypeAlias = Literal["ok", "degraded", "failed"]

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Return 200: the process runs. Checks nothing else, so that a failed database restarts no web server."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Return 200 if every database and Redis are available, else 503; ``parts`` lists the state of each.

    ``notes`` names servers that allow fewer connections than this installation may open.

    A Redis that refuses writes is ``degraded``, with 200: saves, pages and the API work without it, more slowly.
    """
    parts: dict[str, PartState] = {f"database:{alias}": state_of_database(alias) for alias in connections}
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
