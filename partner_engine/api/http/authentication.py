"""Authentication of API callers: programs by token, people by session.

Both set ``request.actor``, ``request.tenant`` and the tenant of all queries.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from partner_engine.client_secrets import find_token
from partner_engine.lent_clients import lent_client
from partner_engine.tenant_middleware import act_as
from tenants.access import Actor, TokenInUse
from tenants.models import ApiClient, User


class BearerAuthentication(OAuth2Authentication):
    """Authenticates ``Authorization: Bearer``. A token acts for the tenant of its client, with the rights among its
    scopes.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the client and its token, None without a token. Raises 401 for an invalid token."""
        lent = lent_client(request._request)
        if lent is not None:
            self._act_as(request, lent.client, lent.actor)
            return AnonymousUser(), None
        authorization: str = request.headers.get("Authorization", "")
        if not authorization.lower().startswith("bearer "):
            return None
        token = _valid_token(authorization)
        # Refusals, and tokens for one resource alone, are the library's.
        authenticated = super().authenticate(request) if token is None else (token.user, token)
        if authenticated is None:
            raise exceptions.AuthenticationFailed(
                "The token is unknown, expired or revoked; get a new one at /o/token/."
            )
        user, token = authenticated
        client: ApiClient = token.application
        actor = client.as_actor(scopes=token.scope.split(), token=TokenInUse(token.pk, token.expires))
        self._act_as(request, client, actor)
        return user, token

    def _act_as(self, request: Request, client: ApiClient, actor: Actor) -> None:
        act_as(request._request, actor=actor, tenant=client.tenant)
        request._request.api_client = client  # type: ignore[attr-defined]


def _valid_token(authorization: str) -> Any:
    """Return the token in a ``Bearer`` header if it is valid everywhere, as the library would after six more layers;
    None for any other. Read from the database each time, so a revoked one is refused at once.
    """
    _, *texts = authorization.split()
    token = find_token(texts[0]) if len(texts) == 1 else None
    if token is None or token.resource or not token.is_valid([]):
        return None
    client: ApiClient | None = token.application
    return token if client is not None and client.is_usable(None) else None


class AgentSessionAuthentication(authentication.SessionAuthentication):
    """Authenticates an agent's session; writes require the CSRF token. Staff have no tenant and use the admin."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the user, None without a session."""
        authenticated = super().authenticate(request)
        if authenticated is None:
            return None
        user: User = authenticated[0]
        if user.tenant is None:
            raise exceptions.PermissionDenied("Staff accounts have no tenant; use the admin or an API client.")
        act_as(request._request, actor=user.as_actor(source="api"), tenant=user.tenant)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Return the ``WWW-Authenticate`` header of a 401; without it the framework would respond with 403."""
        return 'Bearer realm="api"'
