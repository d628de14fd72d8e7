"""Notes from which socket a request comes (``X-Socket-Id``), so that its own changes are not echoed to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.http import HttpRequest, HttpResponse

HEADER: Final = "X-Socket-Id"
#: Any other value is no socket's and is left out: nothing is refused for it.
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

_sender: Final[ContextVar[str]] = ContextVar("sender", default="")


@contextmanager
def sent_by(socket_id: str) -> Iterator[None]:
    """Mark the saves inside the block as coming from the page or program behind ``socket_id``."""
    token = _sender.set(socket_id)
    try:
        yield
    finally:
        _sender.reset(token)


def current_sender() -> str:
    """Return the socket that saves come from now, "" for none."""
    return _sender.get()


class SenderMiddleware:
    """Stands beside the tenancy, in the thread that saves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle ``request``; its saves are published to all sockets but its own."""
        given = request.headers.get(HEADER, "")
        with sent_by(given if _WELL_FORMED.fullmatch(given) else ""):
            return self.get_response(request)
