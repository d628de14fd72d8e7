"""The headers of deprecated routes: since when (RFC 9745), until when (RFC 8594), and what replaces them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.http import HttpResponse
from django.utils.http import http_date
from rest_framework.request import Request

SINCE: Final = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL: Final = datetime(2027, 11, 1, tzinfo=UTC)
#: The page that says why and until when: the description of the API.
DOCS: Final = "/api/v1/docs"


def lasting_path(request: Request) -> str:
    """Return the path of ``request``, or that of the route that replaces the requested one: for links in responses."""
    path: str = getattr(request, "successor_path", request.path)
    return path


def announce_end(response: HttpResponse, *, successor: str) -> None:
    """Add to ``response`` since when its route is deprecated, when it ends, and the path of its ``successor``."""
    response["Deprecation"] = f"@{int(SINCE.timestamp())}"
    response["Sunset"] = http_date(UNTIL.timestamp())
    response["Link"] = ", ".join(
        (
            f'<{successor}>; rel="successor-version"',
            f'<{DOCS}>; rel="deprecation"; type="text/html"',
            f'<{DOCS}>; rel="sunset"; type="text/html"',
        )
    )
