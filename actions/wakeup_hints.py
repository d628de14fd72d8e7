"""Whether a hint at a database's due actions is on its way: at most one is, however many saves there are.

A mark in Redis that runs out by itself. Lost with its hint, it costs nothing: due actions are looked for without one.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django_redis import get_redis_connection
from redis import Redis

from redis_locks.outage import outage

#: How long a hint that nobody takes keeps further ones back, in seconds.
SECONDS: Final = 10
#: Before an alias: its due webhook deliveries.
WEBHOOKS: Final = "webhooks:"


def give(alias: str) -> bool:
    """Note that a hint is under way; tell whether none was before. Raises ``RedisError``."""
    client: Redis = outage.reach(get_redis_connection("default"))
    return bool(client.set(_key(alias), b"1", nx=True, ex=SECONDS))


def take(alias: str) -> None:
    """Note that the hint has arrived: what is stored from here on needs another. Raises ``RedisError``."""
    get_redis_connection("default").delete(_key(alias))


def _key(alias: str) -> str:
    return f"{settings.LOCK_PREFIX}:hint:{alias}"
