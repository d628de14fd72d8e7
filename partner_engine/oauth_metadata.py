"""What clients of ``/mcp`` read to get a token by themselves: the metadata of RFC 9728 and RFC 8414."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views import View
from oauth2_provider.views import OAuthProtectedResourceMetadataView

from tenants.access import MCP_RIGHTS, RIGHT_TEXTS, Right


class ProtectedResource(OAuthProtectedResourceMetadataView):
    """The resource ``/mcp``: who issues its tokens, and its scopes."""

    def get_resource(self, request: HttpRequest) -> str:
        """Return the address of the resource; a token that was requested for it is good there alone."""
        return request.build_absolute_uri("/mcp")

    def get_authorization_servers(self, request: HttpRequest) -> list[str]:
        """Return the issuer of tokens: this product."""
        return [_issuer(request)]

    def get_scopes_supported(self) -> list[str]:
        """Return the scopes that count there."""
        return sorted(right.value for right in {*MCP_RIGHTS, Right.READ_PERSONAL})

    def get_resource_name(self) -> str:
        """Return the name for people."""
        return "Partner Engine for AI agents"


class AuthorizationServer(View):
    """The issuer of tokens: client credentials only."""

    def get(self, request: HttpRequest) -> JsonResponse:
        """Return the metadata."""
        methods = ["client_secret_basic", "client_secret_post"]
        told: dict[str, Any] = {
            "issuer": _issuer(request),
            "token_endpoint": request.build_absolute_uri(reverse("token")),
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint": request.build_absolute_uri(reverse("revoke-token")),
            "revocation_endpoint_auth_methods_supported": methods,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": sorted(right.value for right in RIGHT_TEXTS),
        }
        return JsonResponse(told)


def _issuer(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")
