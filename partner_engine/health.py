"""Health endpoints for load balancers and operators."""

from __future__ import annotations

import structlog
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Return 200: the process runs. Checks nothing else, so that a failed database restarts no web server."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Return 200 if every database and Redis are available, else 503; ``parts`` lists the state of each."""
    parts = {f"database:{alias}": _is_database_available(alias) for alias in connections} | {
        "redis": _is_redis_available()
    }
    failed = [part for part, is_available in parts.items() if not is_available]
    body = {
        "status": "unavailable" if failed else "ready",
        "parts": {part: "ok" if is_available else "failed" for part, is_available in parts.items()},
    }
    if failed:
        log.warning("not_ready", failed=failed)
    return JsonResponse(body, status=503 if failed else 200)


def _is_database_available(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _is_redis_available() -> bool:
    try:
        return bool(get_redis_connection("default").ping())
    except RedisError:
        return False
