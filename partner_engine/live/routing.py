"""The routes of WebSockets below ``/ws/``."""

from __future__ import annotations

from typing import Final

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from django.urls import path, re_path

from partner_engine.live.copies import CopySocket


class UnknownSocket(AsyncWebsocketConsumer):
    """Refuses handshakes on unknown routes."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Refuse the handshake."""
        await self.close()


SOCKETS: Final = URLRouter([path("ws/copies/<uuid:id>/", CopySocket.as_asgi()), re_path("", UnknownSocket.as_asgi())])
