"""The caller of a request to ``/mcp``: its token, its page of origin, its rate limit."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from oauth2_provider.oauth2_backends import get_oauthlib_core

from partner_engine.problems import Refused
from partner_engine.rate_limits import as_refused, count_request
from tenants.access import MCP_RIGHTS, Actor, Right, TokenInUse
from tenants.current_tenant import use_tenant, without_tenant
from tenants.limits.errors import RateLimited
from tenants.limits.scopes import MCP
from tenants.models import ApiClient

#: Where clients learn how to get a token (RFC 9728).
METADATA: Final = "/.well-known/oauth-protected-resource/mcp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """An API client with the rights of its token."""

    client: ApiClient
    actor: Actor


def admit(scope: MutableMapping[str, Any]) -> Caller:
    """Return the caller of the request with this ASGI ``scope``, which is counted. Raises ``Refused``.

    A page of another site is refused before anything else: a browser there could reach a server that it may not see.
    """
    # Without what the check of a token would parse and must not fail at: a form of any content type, a broken query.
    headers = [pair for pair in scope["headers"] if pair[0].lower() != b"content-type"]
    request = ASGIRequest({**scope, "headers": headers, "query_string": b""}, BytesIO())
    _require_own_page(request)
    request.actor = request.tenant = None  # type: ignore[attr-defined]
    with without_tenant():
        caller = _authenticated(request)
        if caller is None:
            _count(request)
            raise _unauthorized(request)
        request.actor, request.tenant = caller.actor, caller.client.tenant  # type: ignore[attr-defined]
        with use_tenant(caller.client.tenant):
            _count(request)
    if not caller.actor.rights & MCP_RIGHTS:
        challenge = _challenge(request, error="insufficient_scope", scope=Right.MCP_READ.value)
        text = "The token has no scope for AI agents. Request mcp:read, mcp:propose or mcp:write at /o/token/."
        raise Refused(403, "missing_right", text, headers={"WWW-Authenticate": challenge})
    return caller


def _authenticated(request: ASGIRequest) -> Caller | None:
    """Return the client whose token the request has, None for a token that is unknown, expired, revoked or of another
    resource.
    """
    if not request.headers.get("Authorization", "").lower().startswith("bearer "):
        return None
    is_valid, found = get_oauthlib_core().verify_request(request, scopes=[])
    if not is_valid:
        return None
    token = found.access_token
    client: ApiClient = token.application
    actor = client.as_actor(scopes=token.scope.split(), token=TokenInUse(token.pk, token.expires))
    return Caller(client=client, actor=actor)


def _require_own_page(request: ASGIRequest) -> None:
    try:
        host = request.get_host()
    except DisallowedHost as error:
        raise Refused(400, "bad_request", "The header Host does not name this product.") from error
    origin = request.headers.get("Origin", "").lower()
    own = f"{request.scheme}://{host}".lower()
    if origin and origin != own and origin not in settings.CSRF_TRUSTED_ORIGINS:
        raise Refused(403, "foreign_page", "Pages of other sites may not call this address.")


def _count(request: ASGIRequest) -> None:
    try:
        count_request(request, MCP)
    except RateLimited as limited:
        raise as_refused(limited) from limited


def _unauthorized(request: ASGIRequest) -> Refused:
    text = "Send a token from /o/token/ with a scope for AI agents as `Authorization: Bearer`."
    return Refused(401, "not_authenticated", text, headers={"WWW-Authenticate": _challenge(request)})


def _challenge(request: ASGIRequest, **parts: str) -> str:
    named = {"resource_metadata": request.build_absolute_uri(METADATA), **parts}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in named.items())
