"""Is the process alive, is it ready: for load balancers and people on call."""

from __future__ import annotations

import structlog
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from actions.lag import note_lag
from actions.webhooks.lag import note_webhook_lag

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200: the process runs. Asks nothing else, so a broken database restarts no web server."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when every database and Redis answer, else 503; ``parts`` names what is broken."""
    parts = {f"database:{alias}": _database_answers(alias) for alias in connections} | {"redis": _redis_answers()}
    broken = [part for part, is_well in parts.items() if not is_well]
    shown = {
        "status": "unavailable" if broken else "ready",
        "parts": {part: "ok" if is_well else "failed" for part, is_well in parts.items()},
    }
    if broken:
        log.warning("not_ready", broken=broken)
    return JsonResponse(shown, status=503 if broken else 200)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with this process's metrics and with how far the relay is behind in every database."""
    note_lag()
    note_webhook_lag()
    exported: HttpResponse = ExportToDjangoView(request)
    return exported


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
