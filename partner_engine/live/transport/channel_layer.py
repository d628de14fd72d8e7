"""The wire of the channel layer (Redis publish/subscribe): its addresses and its form, for who must not go through it.

A thread that saves has no event loop, and to make one with a connection of its own for each message would cost more
than the save. And the layer does not tell when it lost its connection, and with it messages: the hub has to know.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django.conf import settings
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_decoder: Final = msgspec.msgpack.Decoder(dict[str, Any])


def address(group: str) -> str:
    """Return the Redis channel of a group: that of the channel layer, whose ``group_send`` comes there too."""
    return f"{_configuration()['prefix']}__group__{group}"


def encode(message: dict[str, Any]) -> bytes:
    """Return ``message`` as the channel layer puts it on the wire."""
    return msgspec.msgpack.encode(message)


def decode(content: bytes) -> dict[str, Any]:
    """Return the message in ``content``. Raises ``msgspec.DecodeError``."""
    return _decoder.decode(content)


def connect_to_listen() -> aioredis.Redis:
    """Return a client of the layer's Redis for one event loop's subscriptions.

    It never tries again by itself: a connection that was lost for a moment has lost messages, and must be noticed.
    """
    return _client(timeout=None, retries=0)


def connect_to_ask() -> aioredis.Redis:
    """Return a client for commands. After a restart of Redis each of its connections is made anew when it is used."""
    return _client(timeout=2, retries=2)


def _client(*, timeout: float | None, retries: int) -> aioredis.Redis:
    return aioredis.Redis.from_url(
        _configuration()["hosts"][0]["address"],
        socket_timeout=timeout,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=10,
        retry=Retry(NoBackoff(), retries),
    )


def _configuration() -> dict[str, Any]:
    configured: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    return dict(configured)
