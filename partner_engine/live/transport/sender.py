"""Notes from which socket a request comes (``X-Socket-Id``), so that its own changes are not echoed to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from actions.live_updates import sent_by

HEADER: Final = "X-Socket-Id"
#: Any other value is no socket's and is left out: nothing is refused for it.
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


class SenderMiddleware:
    """Stands beside the tenancy, in the thread that saves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer ``request``; what it saves is told to all but its own socket."""
        given = request.headers.get(HEADER, "")
        with sent_by(given if _WELL_FORMED.fullmatch(given) else ""):
            return self.get_response(request)
