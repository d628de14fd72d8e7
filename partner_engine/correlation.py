"""Gives every request a correlation id: the caller's ``X-Correlation-ID`` if it is one, else a new one; in every log line and on every answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from uuid_utils.compat import uuid7

HEADER: Final = "X-Correlation-ID"
_FORM: Final = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")

log = structlog.get_logger("partner_engine.request")


class CorrelationMiddleware:
    """Binds the correlation id for the request's logs and saves, and logs the request when it is answered: never its body or query."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request under its correlation id."""
        if self._is_async:
            return self._answer_async(request)
        self._begin(request)
        return self._end(request, self._get_response(request))  # type: ignore[arg-type]

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        self._begin(request)
        return self._end(request, await self._get_response(request))  # type: ignore[misc]

    def _begin(self, request: HttpRequest) -> None:
        given = request.headers.get(HEADER, "")
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=given if _FORM.match(given) else str(uuid7()))

    def _end(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        correlation_id = structlog.contextvars.get_contextvars().get("correlation_id", "")
        response.headers[HEADER] = correlation_id
        log.info("request", method=request.method, path=request.path, status=response.status_code)
        return response
