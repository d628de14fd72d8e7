"""Serves each request in one thread, in one go: signals, middleware, view and the end of the response.

Django's own handler changes between its event loop and threads six times per request, as views and middleware could be
asynchronous. Ours are not: by the loop and the threads a request cost more than by its work. Here the loop reads the
body, a thread does everything else, and the loop sends the response. Only a response that is made while it is sent (a
stream) goes on as Django serves it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import IO, Any, Final

import structlog
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.urls import set_script_prefix

from partner_engine.correlation import WAITED
from partner_engine.request_metrics import place_waits
from partner_engine.request_places import AT_ONCE, NoPlaceFree, Places

#: Threads without a request that stay.
MOST_IDLE: Final = AT_ONCE
#: The paths of health checks and metrics. They have places of their own: no process is to be ended for its load.
PROBES: Final = ("/healthz/full", "/readyz", "/metrics")
#: The loop responds to it itself: it waits for nothing, and machines end a process that does not respond to it.
LIVENESS: Final = "/healthz"
_ALIVE: Final = b'{"status": "live"}'
_ALIVE_HEADERS: Final = (
    (b"Content-Type", b"application/json"),
    (b"Content-Length", str(len(_ALIVE)).encode("ascii")),
    (b"Cache-Control", b"max-age=0, no-cache, no-store, must-revalidate, private"),
)
#: Bytes of a response above which it waits for its client while it is sent.
LARGE: Final = 256 * 1024

log = structlog.get_logger(__name__)


class RequestHandler(ASGIHandler):
    """Django's handler with one thread per request. Loads the middleware as that of a synchronous application."""

    def __init__(self) -> None:
        super().__init__()
        #: Touched by the event loop alone, as the places are.
        self._idle: list[ThreadPoolExecutor] = []
        self._places, self._places_of_probes = Places(), Places()

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the middleware as synchronous."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request: read its body, let a thread make the response, and send it.

        A client that leaves meanwhile stops nothing: a thread cannot be interrupted, so its work is completed. Raises
        ``NoPlaceFree`` before anything is done.
        """
        if scope["type"] != "http":
            raise ValueError(f"Pages are served by HTTP, not by {scope['type']}.")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        if scope["path"] == LIVENESS and scope["method"] in ("GET", "HEAD"):
            body.close()
            await _say_alive(scope["method"], send)
            return
        places = self._places_of_probes if scope["path"] in PROBES else self._places
        await _take_place(places, scope, body)
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        context = copy_context()
        is_over = False
        try:
            try:
                work = asyncio.get_running_loop().run_in_executor(thread, context.run, self._respond, scope, body)
                response = await work
            finally:
                places.give_back()
            if response.streaming:
                await asyncio.create_task(self._stream(response, thread, receive, send), context=context)
            is_over = True
        finally:
            self._take_back(thread, is_over=is_over)
        if isinstance(response, HttpResponse):
            await send(_beginning(response))
            await self._send_content(response.content, send)

    async def _send_content(self, content: bytes, send: Any) -> None:
        """Send a usual response in one message, a large one in parts, each when the client has read enough."""
        if len(content) <= LARGE:
            await send({"type": "http.response.body", "body": content})
            return
        for part, is_last in self.chunk_bytes(content):
            await send({"type": "http.response.body", "body": part, "more_body": not is_last})

    def _take_back(self, thread: ThreadPoolExecutor, *, is_over: bool) -> None:
        """Keep the thread of a request for others, or let it end."""
        if is_over and len(self._idle) < MOST_IDLE:
            self._idle.append(thread)
            return
        if not is_over:
            # Cancelled or broken off: the view may still run, and nothing has closed its connections.
            thread.submit(connections.close_all)
        thread.shutdown(wait=False)

    def _respond(self, scope: Any, body: IO[bytes]) -> HttpResponseBase:
        """Return the response to a request, in its thread: complete and closed, unless it is a stream."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        if request is None:
            body.close()
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            _close(response)
        return response

    async def _stream(self, response: HttpResponseBase, thread: ThreadPoolExecutor, receive: Any, send: Any) -> None:
        """Send a stream until it ends or its client leaves, and close it. Raises what the stream raises."""
        async with ThreadSensitiveContext(executor=thread):
            sending = asyncio.create_task(self.send_response(response, send))
            leaving = asyncio.create_task(self.listen_for_disconnect(receive))
            try:
                await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sending.cancel()
                leaving.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)
                await sync_to_async(_close)(response)
            if not sending.cancelled():
                sending.result()


async def _say_alive(method: str, send: Any) -> None:
    """Send the response of ``partner_engine.health.live``."""
    await send({"type": "http.response.start", "status": 200, "headers": list(_ALIVE_HEADERS)})
    await send({"type": "http.response.body", "body": _ALIVE if method == "GET" else b""})


async def _take_place(places: Places, scope: Any, body: IO[bytes]) -> None:
    """Take a place for a request with ``body``, and note its wait. Raises ``NoPlaceFree``."""
    try:
        waited = await places.take()
    except BaseException as error:
        body.close()
        if isinstance(error, NoPlaceFree):
            place_waits.labels("refused").observe(places.patience)
        raise
    if waited:
        scope[WAITED] = waited
        place_waits.labels("taken").observe(waited)


def _close(response: HttpResponseBase) -> None:
    """End the request of a response, which gives its connections back. The response is sent in any case."""
    try:
        response.close()
    except Exception:
        log.exception("request_not_closed")


def _beginning(response: HttpResponse) -> dict[str, Any]:
    """Return the first message of a response: its status and its headers, cookies among them."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers += [(b"Set-Cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}
