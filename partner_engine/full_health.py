"""``/healthz/full``: all that a monitor watches, for the networks and the token of ``/metrics``.

Load balancers use ``/readyz`` instead: a stopped relay is a reason to call somebody, not to take web servers away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from actions.lag import lag_of
from partner_engine.health import (
    LastSign,
    PartState,
    last_signs_of_celery,
    last_signs_of_relays,
    missing_migrations,
    state_of_database,
    state_of_redis,
)
from partner_engine.metrics import may_read_metrics, refuse_metrics
from webhooks.lag import webhook_lag_of

#: The oldest due row of a queue in a database may wait for so many seconds.
MOST_SECONDS: Final = 300.0
#: So many wake-ups may wait at the broker; a worker takes dozens in a second.
MOST_WAKE_UPS: Final = 100
_BROKER: Final = "celery"

log = structlog.get_logger(__name__)

#: A part's state and its figures.
Part: TypeAlias = dict[str, Any]


@require_safe
@never_cache
def full(request: HttpRequest) -> HttpResponse:
    """Return 200 if every part works, else 503; ``?queue=`` (repeatable) limits it to these queues, 400 for an unknown
    one. Parts: databases, migrations, Redis, relays, beat, workers, and each queue with its backlog.
    """
    if not may_read_metrics(request):
        return refuse_metrics(request)
    queues = _queues()
    chosen = request.GET.getlist("queue")
    if unknown := sorted(set(chosen) - set(queues)):
        text = f"There is no queue {', '.join(unknown)[:200]!r}. The queues are: {', '.join(queues)}."
        return JsonResponse({"status": "unknown_queue", "detail": text}, status=400)
    parts = {} if chosen else _platform()
    parts |= {f"queue:{name}": look() for name, look in queues.items() if not chosen or name in chosen}
    failed = [name for name, part in parts.items() if part["state"] == "failed"]
    if failed:
        log.warning("unhealthy", failed=failed)
    return JsonResponse({"status": "failed" if failed else "ok", "parts": parts}, status=503 if failed else 200)


def _platform() -> dict[str, Part]:
    parts: dict[str, Part] = {f"database:{alias}": _part(state_of_database(alias)) for alias in connections}
    parts |= {f"migrations:{alias}": _migrations(alias) for alias in connections}
    parts["redis"] = _part(state_of_redis())
    parts |= {f"relay:{alias}": part for alias, part in _alive(last_signs_of_relays, connections).items()}
    return parts | _alive(last_signs_of_celery, ("beat", "worker"))


def _migrations(alias: str) -> Part:
    try:
        missing = len(missing_migrations(alias))
    except DatabaseError:
        return _part("failed")
    return _part("failed" if missing else "ok", missing=missing)


def _alive(look: Callable[[], dict[str, LastSign]], processes: Iterable[str]) -> dict[str, Part]:
    """Return the state of each of ``processes`` by its last sign of life."""
    try:
        signs = look()
    except RedisError:
        # Their work goes on without Redis; only nobody sees it.
        return {process: _part("degraded") for process in processes}
    return {
        process: _part("failed" if sign.is_silent else "ok", seen_at=sign.at.isoformat() if sign.at else None)
        for process, sign in signs.items()
    }


def _queues() -> dict[str, Callable[[], Part]]:
    """Return a look at each queue by its name."""
    queues: dict[str, Callable[[], Part]] = {_BROKER: _broker}
    for alias in connections:
        queues[f"outbox:{alias}"] = _looks(_outbox, alias)
        queues[f"webhooks:{alias}"] = _looks(_webhooks, alias)
    return queues


def _looks(look: Callable[[str], Part], alias: str) -> Callable[[], Part]:
    def looks() -> Part:
        try:
            return look(alias)
        except DatabaseError:
            return _part("failed")

    return looks


def _outbox(alias: str) -> Part:
    lag = lag_of(alias)
    return _backlog(lag.waiting, lag.oldest_due, dead=lag.dead, parked=lag.parked)


def _webhooks(alias: str) -> Part:
    due, oldest, _ = webhook_lag_of(alias)
    return _backlog(due, oldest)


def _broker() -> Part:
    key = f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}celery"
    try:
        waiting = int(get_redis_connection("default").llen(key))
    except RedisError:
        return _part("degraded")
    return _part("failed" if waiting > MOST_WAKE_UPS else "ok", waiting=waiting, limit=MOST_WAKE_UPS)


def _backlog(waiting: float, oldest: float, **figures: int) -> Part:
    state: PartState = "failed" if oldest > MOST_SECONDS else "ok"
    known = {"waiting": int(waiting), "oldest_due_seconds": round(oldest, 1), "limit_seconds": MOST_SECONDS}
    return _part(state, **known, **figures)


def _part(state: PartState, **figures: object) -> Part:
    return {"state": state, **figures}
