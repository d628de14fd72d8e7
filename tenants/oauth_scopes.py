"""The scopes of OAuth tokens: the rights, and those granted to the requesting client."""

from __future__ import annotations

from typing import Any

from oauth2_provider.scopes import BaseScopes

from tenants.access import DEFAULT_SCOPES, RIGHT_TEXTS
from tenants.models import ApiClient


class RightScopes(BaseScopes):
    """One scope per right; a client that requests none gets ``DEFAULT_SCOPES``, as far as it has them."""

    def get_all_scopes(self) -> dict[str, str]:
        """Return every scope with its description."""
        return {right.value: text for right, text in RIGHT_TEXTS.items()}

    def get_available_scopes(
        self, application: ApiClient | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return the scopes that ``application`` may request."""
        return list(application.allowed_scopes) if application else list(self.get_all_scopes())

    def get_default_scopes(
        self, application: ApiClient | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return the scopes of a token without requested ones: no more than reading, and nothing personal."""
        available = self.get_available_scopes(application, request)
        return [scope for scope in available if scope in DEFAULT_SCOPES]
