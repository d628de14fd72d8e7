"""The rate limits of requests and sockets: who is counted, the headers, and the refusal of pages.

A caller is counted by name and by network address together; visitors who are not signed in by the address alone. The
address is the one that our proxies saw (``partner_engine.client_addresses``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from django.http import HttpRequest, HttpResponse

from partner_engine.client_addresses import address_of, client_address
from partner_engine.error_pages import too_many_requests
from partner_engine.problems import Refused
from tenants.access import Actor
from tenants.limits import check
from tenants.limits.check import AboveLimit, Allowance, RateLimited, Subject, Use
from tenants.limits.scopes import PAGES
from tenants.models import Tenant

#: Paths whose requests count as something else than pages, or not at all: programs, probes.
_NO_PAGES: Final = ("/api/", "/o/", "/healthz", "/readyz", "/metrics")

log = structlog.get_logger(__name__)


def subjects(actor: Actor | None, tenant: Tenant | None, address: str) -> tuple[Subject, ...]:
    """Return the parties that a use counts for: the caller and the address, or the visitors of the address."""
    if actor is None:
        return (check.visitor_subject(address),)
    return check.caller_subject(actor, tenant), check.address_subject(address, tenant)


def count_request(request: HttpRequest, *scopes: str) -> None:
    """Count ``request`` in ``scopes``, all or none; the tightest allowance becomes ``request.allowance``.

    Raises ``RateLimited``.
    """
    parties = subjects(request.actor, request.tenant, client_address(request))  # type: ignore[attr-defined]
    try:
        allowance = check.take_all([Use(scope, parties) for scope in scopes])
    except RateLimited as limited:
        log.warning("audit.rate_limited", scope=limited.scope, limit=limited.limit, window=limited.window)
        raise
    request.allowance = allowance  # type: ignore[attr-defined]


def count_entries(request: HttpRequest, scope: str, amount: int) -> None:
    """Count ``amount`` more entries of ``request`` in ``scope``; its allowance stays the tighter one.

    Raises ``RateLimited``, and ``AboveLimit`` for an amount that never fits.
    """
    before: Allowance | None = request.allowance  # type: ignore[attr-defined]
    parties = subjects(request.actor, request.tenant, client_address(request))  # type: ignore[attr-defined]
    try:
        after = check.take(scope, *parties, amount=amount)
    except RateLimited as limited:
        log.warning("audit.rate_limited", scope=limited.scope, limit=limited.limit, window=limited.window)
        raise
    if after is not None and (before is None or before.scope == scope or after.remaining < before.remaining):
        request.allowance = after  # type: ignore[attr-defined]


def give_request_back(request: HttpRequest, scope: str) -> None:
    """Take the count of ``request`` in ``scope`` back, because it came to nothing."""
    check.give_back(scope, *subjects(request.actor, request.tenant, client_address(request)))  # type: ignore[attr-defined]


def allowance_headers(allowance: Allowance) -> dict[str, str]:
    """Return the headers that state a limit and what remains of it."""
    return _headers(allowance.limit, allowance.window, allowance.remaining)


def _headers(limit: int, window: int, remaining: int) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Window": str(window),
        "X-RateLimit-Remaining": str(remaining),
    }


def as_refused(limited: RateLimited) -> Refused:
    """Return the problem for a reached limit."""
    headers = _headers(limited.limit, limited.window, 0)
    if isinstance(limited, AboveLimit):
        return Refused(422, "above_rate_limit", str(limited), headers=headers)
    headers["Retry-After"] = str(limited.retry_after)
    return Refused(429, "rate_limited", str(limited), headers=headers)


def count_opened_socket(scope: str, *, actor: Actor, tenant: Tenant, handshake: Mapping[str, Any]) -> None:
    """Count a socket that ``actor`` opens; ``handshake`` is its ASGI scope. Raises ``Refused`` (429)."""
    # A proxy may add a line of its own instead of a value to the line that it received.
    forwarded = [value for name, value in handshake["headers"] if name.lower() == b"x-forwarded-for"]
    meta = {
        "HTTP_X_FORWARDED_FOR": b",".join(forwarded).decode("latin-1"),
        "REMOTE_ADDR": (handshake.get("client") or ("",))[0],
    }
    try:
        check.take(scope, *subjects(actor, tenant, address_of(meta)))
    except RateLimited as limited:
        raise as_refused(limited) from limited


class PageLimitMiddleware:
    """Counts requests for pages; those of the API are counted by its endpoints, which know the caller of a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass ``request`` on, or respond with 429 and ``Retry-After``."""
        if request.path.startswith(_NO_PAGES):
            return self.get_response(request)
        try:
            count_request(request, PAGES)
        except RateLimited as limited:
            response = too_many_requests(request, limited.retry_after)
            headers = _headers(limited.limit, limited.window, 0)
        else:
            response = self.get_response(request)
            # The view may have counted in a scope of its own, which is tighter.
            allowance: Allowance | None = request.allowance  # type: ignore[attr-defined]
            headers = allowance_headers(allowance) if allowance is not None else {}
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response
