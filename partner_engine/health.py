"""Is it alive (``/healthz``), and can it work (``/readyz``)?"""

from __future__ import annotations

from django.db import connections
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from redis.exceptions import RedisError


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when every database and Redis answer, else 503 with the broken part's name: ``{status, parts: {name: ok|failing}}``."""
    parts = {f"database {alias}": _database_answers(alias) for alias in connections}
    parts["redis"] = _redis_answers()
    body = {
        "status": "ok" if all(parts.values()) else "failing",
        "parts": {name: "ok" if answers else "failing" for name, answers in parts.items()},
    }
    return JsonResponse(body, status=200 if all(parts.values()) else 503)


def _database_answers(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(get_redis_connection("default").ping())
    except RedisError:
        return False
