"""The viewers of copies: a hash per copy in Redis with one field per socket, so that saves without viewers send
nothing.

Sockets write it, saves read it. Entries of a killed process are ignored after ``STALE_SECONDS``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from redis import Redis
from redis import asyncio as aioredis

from partner_engine.live.frames import Person

PREFIX: Final = "partner_engine.live"
EXPIRY_SECONDS: Final = 2 * 24 * 3600
#: Sockets refresh their entry every 20 s; the clocks of servers may differ a little.
STALE_SECONDS: Final = 90.0
#: The maximum number of open sockets per person or program.
MAX_SOCKETS: Final = 20


class Viewer(msgspec.Struct, frozen=True):
    """The entry of one socket: its viewer and the time of the last refresh (seconds since 1970)."""

    person: Person
    at: float


def group_of(tenant_id: UUID, copy_id: UUID) -> str:
    """Return the channel-layer group of a copy."""
    return f"live.{tenant_id}.{copy_id}"


def key_of(tenant_id: UUID, copy_id: UUID) -> str:
    """Return the Redis key of a copy's viewers."""
    return f"{PREFIX}:{{{tenant_id}}}:viewers:{copy_id}"


def have_viewers(redis: Redis, copies: Sequence[tuple[UUID, UUID]]) -> list[bool]:
    """Return for each (tenant, copy) whether it has viewers, in one round trip. Raises ``RedisError``."""
    with redis.pipeline(transaction=False) as pipeline:
        for tenant_id, copy_id in copies:
            pipeline.exists(key_of(tenant_id, copy_id))
        return [bool(exists) for exists in pipeline.execute()]


async def register(redis: aioredis.Redis, viewers: Iterable[tuple[str, Person]]) -> None:
    """Add the viewers (key, person) to the hashes of their copies, or refresh them. Raises ``RedisError``."""
    now = time.time()
    async with redis.pipeline(transaction=False) as pipeline:
        for key, person in viewers:
            pipeline.hset(key, person.socket, msgspec.json.encode(Viewer(person, now)))
            pipeline.expire(key, EXPIRY_SECONDS)
        await pipeline.execute()


async def unregister(redis: aioredis.Redis, key: str, socket_id: str) -> None:
    """Remove a socket from the hash at ``key``. Raises ``RedisError``."""
    await redis.hdel(key, socket_id)


async def list_people(redis: aioredis.Redis, key: str) -> list[Person]:
    """Return the viewers sorted by name, and remove the entries of killed processes. Raises ``RedisError``."""
    entries = await cast("Awaitable[dict[bytes, bytes]]", redis.hgetall(key))
    oldest = time.time() - STALE_SECONDS
    viewers = {field: msgspec.json.decode(value, type=Viewer) for field, value in entries.items()}
    stale = [field for field, viewer in viewers.items() if viewer.at < oldest]
    if stale:
        await redis.hdel(key, *cast("list[Any]", stale))
    present = [viewer.person for field, viewer in viewers.items() if field not in stale]
    return sorted(present, key=lambda person: (person.name, person.socket))


async def count_socket(redis: aioredis.Redis, *, tenant_id: UUID, owner: str, socket_id: str) -> bool:
    """Count a socket of ``owner``; return whether it is within ``MAX_SOCKETS``. Raises ``RedisError``."""
    key, now = _sockets_key(tenant_id, owner), time.time()
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.zremrangebyscore(key, 0, now - STALE_SECONDS)
        pipeline.zadd(key, {socket_id: now})
        pipeline.zcard(key)
        pipeline.expire(key, EXPIRY_SECONDS)
        count = (await pipeline.execute())[2]
    if count > MAX_SOCKETS:
        await forget_socket(redis, tenant_id=tenant_id, owner=owner, socket_id=socket_id)
    return bool(count <= MAX_SOCKETS)


async def refresh_sockets(redis: aioredis.Redis, sockets: Iterable[tuple[UUID, str, str]]) -> None:
    """Keep counting these sockets (tenant, owner, socket). Raises ``RedisError``."""
    now = time.time()
    async with redis.pipeline(transaction=False) as pipeline:
        for tenant_id, owner, socket_id in sockets:
            pipeline.zadd(_sockets_key(tenant_id, owner), {socket_id: now})
        await pipeline.execute()


async def forget_socket(redis: aioredis.Redis, *, tenant_id: UUID, owner: str, socket_id: str) -> None:
    """Stop counting a socket of ``owner``. Raises ``RedisError``."""
    await redis.zrem(_sockets_key(tenant_id, owner), socket_id)


def _sockets_key(tenant_id: UUID, owner: str) -> str:
    return f"{PREFIX}:{{{tenant_id}}}:sockets:{owner}"
