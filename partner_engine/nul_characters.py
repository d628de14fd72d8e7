"""Refuses the character NUL where no page or reader did: PostgreSQL cannot store it, so a query with it would end in a
500.

Pages that expect it respond at the field, and programs are refused by the readers of their bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse

from partner_engine.error_pages import bad_request, not_found

_NUL: Final = "\0"


class NulMiddleware:
    """Responds with 404 to an address with NUL, and with 400 to a cookie or a query with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass ``request`` on, or refuse it."""
        if _NUL in request.path_info:
            return not_found(request, Http404())
        if any(_NUL in value for value in request.COOKIES.values()):
            return bad_request(request, BadRequest())
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the 400 response where a query refused NUL; its transaction was rolled back."""
        is_nul = isinstance(exception, DataError | ValueError) and "NUL" in str(exception)
        return bad_request(request, exception) if is_nul else None
