"""How callers of the API are known: an OAuth2 bearer token of a tenant's API client, or an agent's session. Sets ``request.actor`` and ``request.tenant``."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.scopes import BaseScopes
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from tenants.access import RIGHT_TEXTS, Right
from tenants.models import ApiClient, User


class RightScopes(BaseScopes):
    """OAuth2 scopes are the product's rights; a client gets those it asks for, all if it asks for none."""

    def get_all_scopes(self) -> dict[str, str]:
        """Return every scope with its text."""
        return {right.value: text for right, text in RIGHT_TEXTS.items()}

    def get_available_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """Return what a client may ask for."""
        return [right.value for right in Right]

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """Return what a client gets that asks for nothing."""
        return self.get_available_scopes()


class BearerAuthentication(OAuth2Authentication):
    """Knows an API client by its token; the token sees the client's tenant alone."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return ``(client, token)``, or None without a valid token."""
        found = super().authenticate(request)
        if found is None:
            return None
        token = found[1]
        client: ApiClient = token.application
        _set(request, client.tenant, client.as_actor(scopes=token.scope))
        return client, token


class AgentSessionAuthentication(SessionAuthentication):
    """Knows an agent by their session, with CSRF protection; staff use the admin instead."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return ``(user, None)``, or None without a signed-in agent."""
        found = super().authenticate(request)
        if found is None or not isinstance(found[0], User) or found[0].tenant is None:
            return None
        _set(request, found[0].tenant, found[0].as_actor(source="api"))
        return found

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says; without one DRF would answer 403."""
        return 'Bearer realm="api"'


def _set(request: Request, tenant: Any, actor: Any) -> None:
    http_request: HttpRequest = request._request
    for holder in (request, http_request):
        holder.tenant, holder.actor = tenant, actor  # type: ignore[union-attr]
