"""The ASGI application at ``/mcp``: who may come in, and what is not served there.

Each request stands for itself: there are no sessions to keep, so any process may serve any request. It answers POST
alone: the server never calls back, so a stream for its messages would only occupy a connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from importlib.util import find_spec
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext
from channels.db import database_sync_to_async
from django.utils.module_loading import import_string

from partner_engine.correlation import HEADER, correlation_id_in, note_early_response
from partner_engine.mcp.api_calls import ApiCalls, Application
from partner_engine.mcp.callers import admit
from partner_engine.problems import MEDIA_TYPE, Refused, render

PATH: Final = "/mcp"
#: What serves the protocol; its module needs the optional package.
_SERVER: Final = "partner_engine.mcp.server.serve"
_PACKAGE: Final = "mcp"

Message = MutableMapping[str, Any]
Serve = Callable[[ApiCalls, Message, Any, Any], Awaitable[None]]


def installed_server() -> Serve | None:
    """Return what serves the protocol, None without the package ``mcp`` (the extra of the same name)."""
    if find_spec(_PACKAGE) is None:
        return None
    serve: Serve = import_string(_SERVER)
    return serve


class AgentGate:
    """Serves ``/mcp`` and passes every other request on."""

    def __init__(self, application: Application, *, server: Callable[[], Serve | None] = installed_server) -> None:
        self._application = application
        self._serve = server()

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Serve one connection of the ASGI server."""
        if scope["type"] != "http" or scope["path"].rstrip("/") != PATH:
            await self._application(scope, receive, send)
            return
        correlation_id = correlation_id_in(scope["headers"])
        try:
            serve = self._server_for(scope)
            async with ThreadSensitiveContext():
                caller = await database_sync_to_async(admit)(scope)
        except Refused as refused:
            await _refuse(refused, scope, send, correlation_id)
            return
        calls = ApiCalls(application=self._application, scope=scope, caller=caller, correlation_id=correlation_id)
        await serve(calls, scope, receive, _with_headers(send, correlation_id))

    def _server_for(self, scope: Message) -> Serve:
        """Return the server. Raises ``Refused`` where it is not installed, and for other methods than POST."""
        if self._serve is None:
            text = (
                "The server for AI agents is not installed: install requirements-mcp.txt (the extra mcp) and restart."
            )
            raise Refused(501, "mcp_not_installed", text)
        if scope["method"] != "POST":
            text = "This address takes messages by POST; there are no sessions and no stream."
            raise Refused(405, "method_not_allowed", text, headers={"Allow": "POST"})
        return self._serve


def _with_headers(send: Any, correlation_id: str) -> Any:
    """Return ``send`` with the headers of every response of this face: answers are personal, so nothing stores them."""
    added = {HEADER: correlation_id, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower().encode() for name in added}
            own = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
            message = {**message, "headers": [*own, *_encoded(added)]}
        await send(message)

    return sending


async def _refuse(refused: Refused, scope: Message, send: Any, correlation_id: str) -> None:
    content = render(refused, instance=scope["path"], correlation_id=correlation_id)
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(content)), **refused.headers}
    await _with_headers(send, correlation_id)(
        {"type": "http.response.start", "status": refused.status, "headers": _encoded(headers)}
    )
    await send({"type": "http.response.body", "body": content})
    note_early_response(
        method=scope["method"], path=scope["path"], status=refused.status, correlation_id=correlation_id
    )


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
