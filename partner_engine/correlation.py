"""The correlation id of a request: taken from its header or generated, returned in the response, in every log line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars
from uuid_utils.compat import uuid7

from partner_engine.request_metrics import count_early_response

HEADER: Final = "X-Correlation-ID"
#: Accepted ids: no characters that could forge a log line, and no longer than the database column.
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
#: Below them the rest of a path is a secret that opens a page.
_SECRETS: Final = ("/proposals/", "/password/set/", "/invitation/")
#: The seconds of a request's wait for a place, in its ASGI scope; missing if it did not wait.
WAITED: Final = "partner_engine.waited"
#: Requested constantly by machines, so not logged.
_UNLOGGED: Final = ("/healthz", "/readyz", "/metrics", "/static/")

log = structlog.get_logger(__name__)


def correlation_id_of(sent: str | None) -> str:
    """Return ``sent`` if it is well formed, else a new id."""
    return sent if sent and _WELL_FORMED.fullmatch(sent) else str(uuid7())


def correlation_id_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id in the raw ``headers`` of a request if it is well formed, else a new one."""
    name = HEADER.lower().encode()
    return correlation_id_of(next((value.decode("latin-1") for key, value in headers if key.lower() == name), None))


def note_early_response(*, method: str, path: str, status: int, correlation_id: str) -> None:
    """Log and count a request that got its response before the middleware: a too large body, unreadable headers, no
    place in time. The sign of life of the process is only counted.
    """
    count_early_response(path=path, status=status)
    if status == HTTPStatus.OK and path.startswith(_UNLOGGED):
        return
    log.info("request", method=method, path=_without_secret(path), status=status, correlation_id=correlation_id)


class CorrelationMiddleware:
    """Binds the id, logs the request once (its path without secrets, no query, no body), sets the header. Outermost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request`` under its correlation id."""
        correlation_id = correlation_id_of(request.headers.get(HEADER))
        clear_contextvars()
        bind_contextvars(correlation_id=correlation_id)
        started = time.perf_counter()
        log.debug("request_started", method=request.method, path=_without_secret(request.path))
        try:
            response = self.get_response(request)
            response[HEADER] = correlation_id
            if not request.path.startswith(_UNLOGGED):
                _log_response(request, response, seconds=time.perf_counter() - started)
            return response
        finally:
            clear_contextvars()


def _log_response(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    known: dict[str, Any] = {
        "method": request.method,
        "path": _without_secret(request.path),
        "status": response.status_code,
    }
    milliseconds = round(seconds * 1000, 1)
    if waited := getattr(request, "scope", {}).get(WAITED):
        # Before the middleware, so it is no part of the milliseconds.
        known["waited_ms"] = round(waited * 1000, 1)
    log.info("request", **known, ms=milliseconds)
    if milliseconds > settings.SLOW_REQUEST_MS:
        log.warning("slow_request", **known, ms=milliseconds, limit_ms=settings.SLOW_REQUEST_MS)


def _without_secret(path: str) -> str:
    return next((f"{prefix}..." for prefix in _SECRETS if path.startswith(prefix)), path)
