"""The content security policy: strict for the product's pages, relaxed for the admin's theme."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

ADMIN: Final = "/admin/"
#: The theme's Alpine evaluates expressions in attributes and sets styles.
_RELAXED: Final = {
    "script-src": ["'self'", "'unsafe-eval'", "'unsafe-inline'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}

#: How the names of the attributes begin by which a view, or a nonce, changes the policy of its response.
_CHANGES: Final = "_csp"


def _names_directives_alone() -> bool:
    """Return whether the settings name directives and nothing else: for all else the library composes each policy."""
    report_only = getattr(settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY", None)
    return not report_only and settings.CONTENT_SECURITY_POLICY.keys() == {"DIRECTIVES"}


@cache
def _usual_policy(*, is_admin: bool) -> str:
    return build_policy(replace=_RELAXED if is_admin else None)


class ContentSecurityMiddleware(CSPMiddleware):
    """Sets the policy of ``settings.CONTENT_SECURITY_POLICY``, relaxed below the admin."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set the header of a response: the usual policy, which is composed once, unless its view changes it."""
        is_changed = any(name.startswith(_CHANGES) for name in (*vars(response), *vars(request)))
        if is_changed or settings.DEBUG or not _names_directives_alone():
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _usual_policy(is_admin=request.path.startswith(ADMIN)))
        return response

    def get_policy_parts(self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False) -> Any:
        """Return the directives of the header."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith(ADMIN) and not parts.replace:
            parts.replace = _RELAXED
        return parts
