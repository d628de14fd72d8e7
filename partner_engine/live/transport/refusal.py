"""The refusal of a WebSocket's handshake: a problem as the response, where the server can send one."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from partner_engine.problems import MEDIA_TYPE, Refused, render


async def refuse_handshake(consumer: AsyncWebsocketConsumer, refused: Refused, correlation_id: str) -> None:
    """Respond to the handshake of ``consumer`` with ``refused`` as a problem, else close it (403)."""
    scope: Any = consumer.scope
    if "websocket.http.response" not in scope.get("extensions", {}):
        await consumer.close()
        return
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    headers += [(name.lower().encode(), value.encode()) for name, value in refused.headers.items()]
    start: dict[str, Any] = {"type": "websocket.http.response.start", "status": refused.status, "headers": headers}
    body = render(refused, instance=scope["path"], correlation_id=correlation_id)
    await consumer.base_send(start)
    await consumer.base_send({"type": "websocket.http.response.body", "body": body})
