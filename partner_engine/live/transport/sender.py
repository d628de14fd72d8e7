"""Middleware that remembers the socket of a request (``X-Socket-Id``), so that its changes are not echoed to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.http import HttpRequest, HttpResponse

HEADER: Final = "X-Socket-Id"
#: Other values are ignored, not refused.
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

_sender: Final[ContextVar[str]] = ContextVar("sender", default="")


@contextmanager
def sent_by(socket_id: str) -> Iterator[None]:
    """Mark saves inside the block as sent by ``socket_id``."""
    token = _sender.set(socket_id)
    try:
        yield
    finally:
        _sender.reset(token)


def current_sender() -> str:
    """Return the socket that current saves are sent by, "" for none."""
    return _sender.get()


class SenderMiddleware:
    """Runs next to the tenant middleware, in the thread that saves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request``; its saves are published to all sockets but its own."""
        socket_id = request.headers.get(HEADER, "")
        with sent_by(socket_id if _WELL_FORMED.fullmatch(socket_id) else ""):
            return self.get_response(request)
