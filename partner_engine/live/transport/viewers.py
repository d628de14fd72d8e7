"""Who looks at which copy: a hash per copy in Redis, one field per socket, so that nothing is sent where nobody looks.

Sockets write to it, saves ask it. What a killed process left is not counted once it is ``STALE_SECONDS`` old.
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
#: Sockets say every 20 s that they are still there; clocks of servers may differ a little.
STALE_SECONDS: Final = 90.0
#: How many sockets one person or program may have open.
MOST_SOCKETS: Final = 20


class Viewer(msgspec.Struct, frozen=True):
    """One socket at a copy: whose it is, where they are, and when that was said last (seconds since 1970)."""

    person: Person
    at: float


def group_of(tenant_id: UUID, copy_id: UUID) -> str:
    """Return the group of all sockets at a copy."""
    return f"live.{tenant_id}.{copy_id}"


def key_of(tenant_id: UUID, copy_id: UUID) -> str:
    """Return the key of the hash of those who look at a copy."""
    return f"{PREFIX}:{{{tenant_id}}}:viewers:{copy_id}"


def watched(redis: Redis, copies: Sequence[tuple[UUID, UUID]]) -> list[bool]:
    """Tell of each (tenant, copy) whether anybody looks at it, in one round trip. Raises ``RedisError``."""
    with redis.pipeline(transaction=False) as pipeline:
        for tenant_id, copy_id in copies:
            pipeline.exists(key_of(tenant_id, copy_id))
        return [bool(found) for found in pipeline.execute()]


async def enter(redis: aioredis.Redis, places: Iterable[tuple[str, Person]]) -> None:
    """Note in the hashes at ``places`` (key, person) that these sockets look there. Raises ``RedisError``."""
    now = time.time()
    async with redis.pipeline(transaction=False) as pipeline:
        for key, person in places:
            pipeline.hset(key, person.socket, msgspec.json.encode(Viewer(person, now)))
            pipeline.expire(key, EXPIRY_SECONDS)
        await pipeline.execute()


async def leave(redis: aioredis.Redis, key: str, socket_id: str) -> None:
    """Take a socket out of the hash at ``key``. Raises ``RedisError``."""
    await redis.hdel(key, socket_id)


async def list_people(redis: aioredis.Redis, key: str) -> list[Person]:
    """Return who looks, in the order of their names; take out what a killed process left. Raises ``RedisError``."""
    found = await cast("Awaitable[dict[bytes, bytes]]", redis.hgetall(key))
    oldest = time.time() - STALE_SECONDS
    viewers = {field: msgspec.json.decode(value, type=Viewer) for field, value in found.items()}
    stale = [field for field, viewer in viewers.items() if viewer.at < oldest]
    if stale:
        await redis.hdel(key, *cast("list[Any]", stale))
    there = [viewer.person for field, viewer in viewers.items() if field not in stale]
    return sorted(there, key=lambda person: (person.name, person.socket))


async def admit(redis: aioredis.Redis, *, tenant_id: UUID, owner: str, socket_id: str) -> bool:
    """Count a socket of ``owner``; tell whether it is one of the ``MOST_SOCKETS`` allowed. Raises ``RedisError``."""
    key, now = _sockets_key(tenant_id, owner), time.time()
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.zremrangebyscore(key, 0, now - STALE_SECONDS)
        pipeline.zadd(key, {socket_id: now})
        pipeline.zcard(key)
        pipeline.expire(key, EXPIRY_SECONDS)
        count = (await pipeline.execute())[2]
    if count > MOST_SOCKETS:
        await dismiss(redis, tenant_id=tenant_id, owner=owner, socket_id=socket_id)
    return bool(count <= MOST_SOCKETS)


async def stay(redis: aioredis.Redis, sockets: Iterable[tuple[UUID, str, str]]) -> None:
    """Go on counting these sockets (tenant, owner, socket). Raises ``RedisError``."""
    now = time.time()
    async with redis.pipeline(transaction=False) as pipeline:
        for tenant_id, owner, socket_id in sockets:
            pipeline.zadd(_sockets_key(tenant_id, owner), {socket_id: now})
        await pipeline.execute()


async def dismiss(redis: aioredis.Redis, *, tenant_id: UUID, owner: str, socket_id: str) -> None:
    """Count a socket of ``owner`` no more. Raises ``RedisError``."""
    await redis.zrem(_sockets_key(tenant_id, owner), socket_id)


def _sockets_key(tenant_id: UUID, owner: str) -> str:
    return f"{PREFIX}:{{{tenant_id}}}:sockets:{owner}"
