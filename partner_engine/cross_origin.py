"""Cross-origin requests of browsers to the API (CORS): an API client names the origins of its own browser programs.

Cookies are never allowed, so a page elsewhere cannot use an agent's session: it needs a token.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from partner_engine.known_origins import KnownOrigins
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
#: In characters: a scheme, and the longest host name.
_LONGEST_ORIGIN: Final = 255


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
        if is_preflight and is_of_any_client(origin):
            return _preflight(origin)
        response = self.get_response(request)
        client: ApiClient | None = getattr(request, "api_client", None)
        # A request with a wrong token has no client; its refusal says nothing that is worth hiding.
        if client.allows(origin) if client is not None else _is_refusal_to_any_client(response, origin):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = _RESPONSE_HEADERS
        patch_vary_headers(response, ("Origin",))
        return response


def _preflight(origin: str) -> HttpResponse:
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Allow-Methods"] = _METHODS
    response["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
    response["Access-Control-Max-Age"] = str(_MAX_AGE)
    patch_vary_headers(response, ("Origin",))
    return response


def _is_refusal_to_any_client(response: HttpResponse, origin: str) -> bool:
    refused = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
    return response.status_code in refused and is_of_any_client(origin)


def is_of_any_client(origin: str) -> bool:
    """Return whether an active client has this origin; a preflight request does not say whose it is."""
    return len(origin) <= _LONGEST_ORIGIN and origin in known_origins.known()


def _read_origins() -> frozenset[str]:
    """Return the origins of all active clients."""
    texts = ApiClient.objects.filter(is_active=True).exclude(allowed_origins="")
    return frozenset(origin for text in texts.values_list("allowed_origins", flat=True) for origin in text.split())


known_origins: Final = KnownOrigins(_read_origins)
