"""The content security policy per part: strict for the product's pages, loosened for the admin's theme."""

from __future__ import annotations

from typing import Any, Final

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase

ADMIN: Final = "/admin/"
#: The theme's Alpine evaluates expressions in attributes and sets styles.
_LOOSENED: Final = {
    "script-src": ["'self'", "'unsafe-eval'", "'unsafe-inline'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}


class ContentSecurityMiddleware(CSPMiddleware):
    """Writes the policy of ``settings.CONTENT_SECURITY_POLICY``, loosened below the admin."""

    def get_policy_parts(self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False) -> Any:
        """Return what the header is made of."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith(ADMIN) and not parts.replace:
            parts.replace = _LOOSENED
        return parts
