"""The correlation id: comes with a request or is made, goes out with the answer, and is in every log line between."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars
from uuid_utils.compat import uuid7

HEADER: Final = "X-Correlation-ID"
#: What is taken from a caller: nothing that could forge a log line, nothing longer than its column.
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
#: Asked all the time by machines.
_UNTOLD: Final = ("/healthz", "/readyz", "/metrics", "/static/")

log = structlog.get_logger(__name__)


def correlation_id_of(given: str | None) -> str:
    """Return ``given`` if it is well formed, else a new id."""
    return given if given and _WELL_FORMED.fullmatch(given) else str(uuid7())


class CorrelationMiddleware:
    """Outermost of all: binds the id, logs the request once (its path, never its query or body), writes the header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer ``request``."""
        correlation_id = correlation_id_of(request.headers.get(HEADER))
        clear_contextvars()
        bind_contextvars(correlation_id=correlation_id)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response[HEADER] = correlation_id
            if not request.path.startswith(_UNTOLD):
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                log.info(
                    "request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds
                )
            return response
        finally:
            clear_contextvars()
