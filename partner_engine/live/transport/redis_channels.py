"""The wire format of live updates (Redis publish/subscribe): channel names, encoding, and the clients.

Not the channel layer of Channels: a saving thread has no event loop, and one with a connection of its own per message
would cost more than the save. And the layer does not report lost connections, and with them lost messages, which the
hub must notice.
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
    """Return the Redis channel of a group."""
    return f"{settings.LIVE_PREFIX}__group__{group}"


def encode(message: dict[str, Any]) -> bytes:
    """Encode ``message``."""
    return msgspec.msgpack.encode(message)


def decode(content: bytes) -> dict[str, Any]:
    """Decode a message. Raises ``msgspec.DecodeError``."""
    return _decoder.decode(content)


def subscriber() -> aioredis.Redis:
    """Return a Redis client for the subscriptions of one event loop.

    It does not reconnect by itself: a short loss of the connection loses messages, and must be noticed.
    """
    return _client(timeout=None, retries=0)


def command_client() -> aioredis.Redis:
    """Return a Redis client for commands, which reconnects after a restart of Redis."""
    return _client(timeout=2, retries=2)


def _client(*, timeout: float | None, retries: int) -> aioredis.Redis:
    return aioredis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=10,
        retry=Retry(NoBackoff(), retries),
    )
