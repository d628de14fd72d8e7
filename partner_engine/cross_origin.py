"""Cross-origin requests of browsers to the API (CORS): an API client names the origins of its own browser programs.

Cookies are never allowed, so a page elsewhere cannot use an agent's session: it needs a token.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse

from tenants.models import ApiClient

#: The addresses that browser programs may call. Tokens are issued to servers, which can keep a secret.
_API: Final = "/api/"
_METHODS: Final = "GET, POST, PATCH, DELETE"
_REQUEST_HEADERS: Final = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Correlation-ID, X-Socket-Id"
)
_RESPONSE_HEADERS: Final = (
    "ETag, Location, Link, Deprecation, Sunset, Retry-After, Idempotent-Replayed, X-Correlation-ID, X-Lock, "
    "X-RateLimit-Limit, X-RateLimit-Window, X-RateLimit-Remaining"
)
#: Browsers ask again after this many seconds.
_MAX_AGE: Final = 600


class CrossOriginMiddleware:
    """Answers preflight requests, and allows a response to be read by the origins of the API client that got it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request``; one without ``Origin``, or outside of the API, is left alone."""
        origin = request.headers.get("Origin", "")
        if not origin or not request.path.startswith(_API):
            return self.get_response(request)
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if is_preflight and _is_of_any_client(origin):
            return _preflight(origin)
        response = self.get_response(request)
        client: ApiClient | None = getattr(request, "api_client", None)
        # A request with a wrong token has no client; its refusal says nothing that is worth hiding.
        if client.allows(origin) if client is not None else _is_refusal_to_any_client(response, origin):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = _RESPONSE_HEADERS
        _vary(response)
        return response


def _preflight(origin: str) -> HttpResponse:
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Allow-Methods"] = _METHODS
    response["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
    response["Access-Control-Max-Age"] = str(_MAX_AGE)
    _vary(response)
    return response


def _vary(response: HttpResponse) -> None:
    present = response.headers.get("Vary")
    response["Vary"] = f"{present}, Origin" if present else "Origin"


def _is_refusal_to_any_client(response: HttpResponse, origin: str) -> bool:
    refused = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
    return response.status_code in refused and _is_of_any_client(origin)


def _is_of_any_client(origin: str) -> bool:
    """Return whether an active client has this origin; a preflight request does not say whose it is."""
    clients = ApiClient.objects.filter(is_active=True, allowed_origins__contains=origin).only("allowed_origins")
    return any(client.allows(origin) for client in clients)
