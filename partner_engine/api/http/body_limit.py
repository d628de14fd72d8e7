"""Refuses requests that are too large while they arrive, before anything of them is kept: an ASGI wrapper around the
application.

A body without a told length (chunked) would otherwise be written to disk to its end first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from partner_engine.problems import MEDIA_TYPE, Refused, render

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

#: The API's own limit is lower and set at its endpoints; this one has room for files that staff upload.
MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
#: What the API and the token endpoint take.
MAX_API_BYTES: Final = 1024 * 1024
API_PREFIXES: Final = ("/api/", "/o/")


class _TooLarge(Exception):  # noqa: N818 - a signal, not an error
    """More has arrived than may."""


class BodyLimit:
    """Counts the bytes of a request's body and answers 413 as soon as they are too many."""

    def __init__(self, application: Application) -> None:
        """Wrap ``application``."""
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        limit = MAX_API_BYTES if scope["path"].startswith(API_PREFIXES) else MAX_REQUEST_BYTES
        if _told_length(scope) > limit:
            await _refuse(scope, send, limit)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > limit:
                raise _TooLarge
            return message

        try:
            await self._application(scope, counted, send)
        except _TooLarge:
            # The application reads the whole body before it answers anything.
            await _refuse(scope, send, limit)


def _told_length(scope: Message) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"0")
    # Digits beyond reason are as good as infinite, and int() refuses them.
    return int(told) if told.isdigit() and len(told) < 20 else MAX_REQUEST_BYTES + 1


async def _refuse(scope: Message, send: Send, limit: int) -> None:
    refused = Refused(413, "body_too_large", f"The body is larger than {limit} bytes; send it in parts.")
    content = render(refused, instance=scope["path"], correlation_id="")
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": content})
