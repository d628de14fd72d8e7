"""The address at which carriers call back: ``POST /carrier_callbacks/{link id}/{copy id}``.

An ASGI application in front of Django: a carrier may send thousands of callbacks in a burst, and none of them needs
session, user or middleware. Each costs one statement in a thread.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connections
from structlog.contextvars import bound_contextvars

from partner_engine.correlation import HEADER, correlation_id_of
from partner_engine.problems import MEDIA_TYPE, Refused, render
from quoting.callbacks import MOST_BYTES, Callback, CallbackRefused, take_callback, wake
from tenants.current_tenant import without_tenant

PREFIX: Final = "/carrier_callbacks/"
#: Callbacks stored at the same time in one process.
THREADS: Final = 4
#: Seconds within which the whole body must arrive.
_BODY_SECONDS: Final = 10.0
_PATH: Final = re.compile(rf"{PREFIX}([0-9a-f-]{{36}})/([0-9a-f-]{{36}})")
_THREADS: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="carrier callbacks")
_ACCEPTED: Final = b'{"status":"accepted"}'

log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Channel = Callable[..., Any]
Application = Callable[[Any, Any, Any], Any]


class CarrierCallbacks:
    """Takes callbacks and passes every other request on."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Channel, send: Channel) -> None:
        """Serve one connection of the ASGI server."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._application(scope, receive, send)
            return
        began = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        correlation_id = correlation_id_of(headers.get(HEADER.lower()))
        copy_id = None
        try:
            callback = await _read(scope, headers, receive)
            copy_id = callback.copy_id
            await asyncio.get_running_loop().run_in_executor(_THREADS, _store, callback, correlation_id)
            status, content, media = 200, _ACCEPTED, "application/json"
        except Refused as refused:
            status, media = refused.status, MEDIA_TYPE
            content = render(refused, instance=scope["path"], correlation_id=correlation_id)
        await _respond(send, status, content, media=media, correlation_id=correlation_id)
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        log.info("carrier_callback", path=scope["path"], status=status, ms=milliseconds, correlation_id=correlation_id)
        if status == 200 and copy_id is not None:
            await asyncio.get_running_loop().run_in_executor(_THREADS, _wake, copy_id)


async def _read(scope: Message, headers: dict[str, str], receive: Channel) -> Callback:
    """Return the callback. Raises ``Refused``."""
    place = _PATH.fullmatch(scope["path"])
    if place is None:
        raise Refused(404, "not_found", "There is no such address for callbacks.")
    if scope["method"] != "POST":
        raise Refused(405, "method_not_allowed", "Callbacks are sent by POST.", headers={"Allow": "POST"})
    try:
        link_id, copy_id = (UUID(text) for text in place.groups())
        async with asyncio.timeout(_BODY_SECONDS):
            body = await _body(receive)
    except ValueError:
        raise Refused(404, "not_found", "There is no such address for callbacks.") from None
    except TimeoutError:
        raise Refused(408, "body_too_slow", "The body did not arrive in time.") from None
    return Callback(link_id=link_id, copy_id=copy_id, headers=headers, body=body)


async def _body(receive: Channel) -> bytes:
    parts, size, is_complete = [], 0, False
    while not is_complete:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "body_incomplete", "The connection ended before the body did.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise Refused(413, "body_too_large", f"The body is larger than {MOST_BYTES} bytes.")
        is_complete = not message.get("more_body", False)
    return b"".join(parts)


def _store(callback: Callback, correlation_id: str) -> None:
    """Store the callback, in a thread. Raises ``Refused``."""
    try:
        with without_tenant(), bound_contextvars(correlation_id=correlation_id):
            take_callback(callback, correlation_id=correlation_id)
    except CallbackRefused as refused:
        raise Refused(refused.status, refused.code, refused.sentence) from refused
    except DatabaseError as error:
        log.warning("carrier_callback_not_stored", reason=type(error).__name__, correlation_id=correlation_id)
        raise Refused(503, "try_again", "The callback could not be stored. Send it again.") from error
    finally:
        # Back to the pool: the thread may be idle for long.
        connections.close_all()


def _wake(copy_id: UUID) -> None:
    with without_tenant():
        wake(copy_id)


async def _respond(send: Channel, status: int, content: bytes, *, media: str, correlation_id: str) -> None:
    headers = [
        (b"content-type", media.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (HEADER.lower().encode(), correlation_id.encode()),
    ]
    if status == 503:
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
