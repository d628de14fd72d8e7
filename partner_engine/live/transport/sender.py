"""Middleware that remembers the socket of a request (``X-Socket-Id``), so that its changes are not echoed to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from actions.live_updates import sent_by

HEADER: Final = "X-Socket-Id"
#: Other values are ignored, not refused.
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


class SenderMiddleware:
    """Runs next to the tenant middleware, in the thread that saves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request``; its saves are published to all sockets but its own."""
        socket_id = request.headers.get(HEADER, "")
        with sent_by(socket_id if _WELL_FORMED.fullmatch(socket_id) else ""):
            return self.get_response(request)
