"""Refuses the character NUL in addresses, parameters, forms and cookies: PostgreSQL cannot store it, so a query with it
would end in a 500.

The bodies and queries of programs are refused by their own readers, with the field. Here only their addresses and
cookies are looked at, and their bodies are not read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse

from partner_engine.error_pages import FOR_PROGRAMS, bad_request, not_found

_NUL: Final = "\0"


class NulMiddleware:
    """Responds with 404 to an address with NUL, and with 400 to a field or a cookie with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass ``request`` on, or refuse it."""
        if _NUL in request.path_info:
            return not_found(request, Http404())
        if any(_NUL in value for value in request.COOKIES.values()) or _is_in_fields(request):
            return bad_request(request, BadRequest())
        return self.get_response(request)


def _is_in_fields(request: HttpRequest) -> bool:
    if request.path.startswith(FOR_PROGRAMS):
        return False
    fields = (pair for sent in (request.GET, request.POST) for pair in sent.lists())
    return any(_NUL in text for name, values in fields for text in (name, *values))
