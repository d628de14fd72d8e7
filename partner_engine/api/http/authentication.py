"""Who calls the API: programs by token, people by session.

Either sets ``request.actor``, ``request.tenant`` and the scope of all queries.
"""

from __future__ import annotations

from typing import Any

from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from partner_engine.tenant_middleware import act_as
from tenants.models import ApiClient, User


class BearerAuthentication(OAuth2Authentication):
    """Takes ``Authorization: Bearer``; a token acts for its client's one tenant, with the rights among its scopes."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the client as the user and the token as what it came with; None without a token. Raises 401 for a
        token that is not good.
        """
        if not request.headers.get("Authorization", "").lower().startswith("bearer "):
            return None
        found = super().authenticate(request)
        if found is None:
            raise exceptions.AuthenticationFailed(
                "The token is unknown, expired or revoked; get a new one at /o/token/."
            )
        token = found[1]
        client: ApiClient = token.application
        act_as(request._request, actor=client.as_actor(scopes=token.scope.split()), tenant=client.tenant)
        return found[0], token


class AgentSessionAuthentication(authentication.SessionAuthentication):
    """Takes the session of an agent; writes need the CSRF token. Staff, who belong to no tenant, use the admin."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the user; None without a session."""
        found = super().authenticate(request)
        if found is None:
            return None
        user: User = found[0]
        if user.tenant is None:
            raise exceptions.PermissionDenied("Staff belong to no tenant: use the admin, or an API client.")
        act_as(request._request, actor=user.as_actor(source="api"), tenant=user.tenant)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says; without it the framework would answer 403."""
        return 'Bearer realm="api"'
