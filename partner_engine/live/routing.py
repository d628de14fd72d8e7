"""The routes of WebSockets below ``/ws/``."""

from __future__ import annotations

from typing import Final

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from django.urls import path, re_path

from partner_engine.correlation import correlation_id_of
from partner_engine.id_converter import IdConverter
from partner_engine.live.copies import CopySocket
from partner_engine.live.operations import OperationSocket
from partner_engine.live.transport.origin import headers_of
from partner_engine.live.transport.refusal import refuse_handshake
from partner_engine.problems import Refused

#: Imported above for its registration as the converter ``id``.
_CONVERTER: Final = IdConverter


class UnknownSocket(AsyncWebsocketConsumer):
    """Refuses handshakes on unknown routes."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Refuse the handshake with 404."""
        correlation_id = correlation_id_of(headers_of(self.scope).get("x-correlation-id"))
        refused = Refused(404, "not_found", "There is no socket at this address.")
        await refuse_handshake(self, refused, correlation_id)


SOCKETS: Final = URLRouter(
    [
        path("ws/copies/<id:id>/", CopySocket.as_asgi()),
        path("ws/batch_operations/", OperationSocket.as_asgi()),
        path("ws/batch_operations/<id:id>/", OperationSocket.as_asgi()),
        re_path("", UnknownSocket.as_asgi()),
    ]
)
