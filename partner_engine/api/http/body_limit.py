"""An ASGI wrapper that refuses too large requests while they arrive, before they are stored, too long addresses, and
requests for which this process finds no place in time.

Otherwise a body without a stated length (chunked) would be written to disk in full first. Responses that are sent
before Django's middleware runs get their correlation id and their line in the log here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from partner_engine.correlation import HEADER, correlation_id_in, note_early_response
from partner_engine.error_page import LONG_ADDRESS, TOO_LARGE, error_page
from partner_engine.error_statuses import RETRY_AFTER
from partner_engine.problems import MEDIA_TYPE, Refused, render
from partner_engine.request_places import NoPlaceFree

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

#: The limit of all other requests, which allows for files that staff upload.
MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
#: The limit of the API and the token endpoint.
MAX_API_BYTES: Final = 1024 * 1024
#: The longest path with its query, as it is sent. The web server itself refuses more than 65,535 bytes, in plain text.
MAX_ADDRESS_BYTES: Final = 60_000
API_PREFIXES: Final = ("/api/", "/o/")
_LONG_ADDRESS: Final = Refused(
    414,
    "address_too_long",
    f"The address with its query is longer than {MAX_ADDRESS_BYTES} bytes; send long parameters as parts of a form.",
)
_BUSY: Final = Refused(
    503,
    "unavailable",
    "Too many requests are under way; try again in a moment.",
    headers={"Retry-After": str(RETRY_AFTER["unavailable"])},
)
_HEADER: Final = HEADER.lower().encode()
#: The addresses of the API that take a file: imports, and corrected rows that come back.
_UPLOADS: Final = re.compile(r"/api/v1/batch_operations/(?:imports(?:/preview)?|[^/]+/failed\.csv)/?")


class _TooLarge(Exception):  # noqa: N818 - a signal, not an error
    """The body exceeds its limit."""


class BodyLimit:
    """Counts the bytes of a request's body and responds with 413 as soon as they exceed the limit; with 414 to an
    address that is too long; with 503 where no place became free.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection of the ASGI server."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        limit, responses = _limit_of(scope["path"]), _Responses(scope, send)
        if _address_bytes(scope) > MAX_ADDRESS_BYTES:
            await responses.refuse(_LONG_ADDRESS, LONG_ADDRESS)
            return
        if _stated_length(scope) > limit:
            await responses.refuse(_large_body(limit), TOO_LARGE)
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
            await self._application(scope, counted, responses.send)
        except _TooLarge:
            # The application reads the whole body before it sends a response.
            await responses.refuse(_large_body(limit), TOO_LARGE)
        except NoPlaceFree:
            await responses.refuse(_BUSY, _BUSY.detail)


def _limit_of(path: str) -> int:
    is_small = path.startswith(API_PREFIXES) and not _UPLOADS.fullmatch(path)
    return MAX_API_BYTES if is_small else MAX_REQUEST_BYTES


def _large_body(limit: int) -> Refused:
    return Refused(413, "body_too_large", f"The body is larger than {limit} bytes; send less at a time.")


def _address_bytes(scope: Message) -> int:
    return len(scope.get("raw_path") or scope["path"].encode()) + len(scope.get("query_string", b""))


def _stated_length(scope: Message) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    # A number of 20 digits exceeds every limit, and int() refuses very long ones.
    return int(length) if length.isdigit() and len(length) < 20 else MAX_REQUEST_BYTES + 1


def _is_for_people(scope: Message) -> bool:
    """Return whether a browser loads a page."""
    accepted = dict(scope["headers"]).get(b"accept", b"")
    return b"text/html" in accepted and not scope["path"].startswith(API_PREFIXES)


class _Responses:
    """Sends the response of one request; one that did not pass the middleware gets its correlation id and its line in
    the log here.
    """

    def __init__(self, scope: Message, send: Send) -> None:
        self._scope = scope
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        if message["type"] == "http.response.start":
            headers = [(bytes(name).lower(), value) for name, value in message["headers"]]
            if all(name != _HEADER for name, _ in headers):
                correlation_id = correlation_id_in(self._scope["headers"])
                message = {**message, "headers": [*headers, (_HEADER, correlation_id.encode())]}
                self._note(message["status"], correlation_id)
        await self._send(message)

    async def refuse(self, refused: Refused, text: str) -> None:
        """Send a refusal: a problem for programs, for browsers a page with ``text``."""
        correlation_id = correlation_id_in(self._scope["headers"])
        if _is_for_people(self._scope):
            media_type = "text/html; charset=utf-8"
            content = error_page(refused.status, text, correlation_id=correlation_id).encode()
        else:
            media_type = MEDIA_TYPE
            content = render(refused, instance=self._scope["path"], correlation_id=correlation_id)
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
            (_HEADER, correlation_id.encode()),
            *((name.lower().encode(), value.encode()) for name, value in refused.headers.items()),
        ]
        self._note(refused.status, correlation_id)
        await self._send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": content})

    def _note(self, status: int, correlation_id: str) -> None:
        note_early_response(
            method=self._scope["method"], path=self._scope["path"], status=status, correlation_id=correlation_id
        )
