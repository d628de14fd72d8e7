"""The content security policy: strict for the product's pages, relaxed for the admin's theme."""

from __future__ import annotations

from typing import Any, Final

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase

ADMIN: Final = "/admin/"
#: The theme's Alpine evaluates expressions in attributes and sets styles.
_RELAXED: Final = {
    "script-src": ["'self'", "'unsafe-eval'", "'unsafe-inline'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}


class ContentSecurityMiddleware(CSPMiddleware):
    """Sets the policy of ``settings.CONTENT_SECURITY_POLICY``, relaxed below the admin."""

    def get_policy_parts(self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False) -> Any:
        """Return the directives of the header."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith(ADMIN) and not parts.replace:
            parts.replace = _RELAXED
        return parts
