"""The headers of deprecated routes (RFC 9745, RFC 8594)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.http import HttpResponse
from django.utils.http import http_date

SINCE: Final = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL: Final = datetime(2027, 11, 1, tzinfo=UTC)


def announce_end(response: HttpResponse, *, successor: str) -> None:
    """Add to ``response`` since when its route is deprecated, when it ends, and the path of its ``successor``."""
    response["Deprecation"] = f"@{int(SINCE.timestamp())}"
    response["Sunset"] = http_date(UNTIL.timestamp())
    response["Link"] = f'<{successor}>; rel="successor-version"'
