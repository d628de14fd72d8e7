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
from redis_locks.shared_trip import Command

PREFIX: Final = "partner_engine.live"
EXPIRY_SECONDS: Final = 2 * 24 * 3600
#: Sockets refresh their entry every 20 s; the clocks of servers may differ a little.
STALE_SECONDS: Final = 90.0
#: The maximum number of open sockets per person or program.
MAX_SOCKETS: Final = 20


class Place(msgspec.Struct, frozen=True):
    """The place of a copy: its tenant and its form."""

    tenant_id: UUID
    form_id: UUID
    copy_id: UUID


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


def form_key_of(tenant_id: UUID, form_id: UUID) -> str:
    """Return the Redis key of the viewed copies of a form: a hash of the copy's id by socket."""
    return f"{PREFIX}:{{{tenant_id}}}:viewed:{form_id}"


def viewed_copies(redis: Redis, copies: Sequence[Place]) -> list[tuple[bool, frozenset[UUID]]]:
    """Return for each copy of one tenant whether it has viewers, and which other copies of its form have; in one round
    trip, or two where there are any.

    Raises ``RedisError``.
    """
    if not redis.exists(*(key for place in copies for key in _keys_of(place))):
        # The usual case of a chunk: nobody views any of its copies.
        return [(False, frozenset())] * len(copies)
    with redis.pipeline(transaction=False) as pipeline:
        for place in copies:
            pipeline.execute_command(*question_of(place.tenant_id, place.copy_id))
            pipeline.execute_command(*sibling_question_of(place.tenant_id, place.form_id))
        found = pipeline.execute()
    viewed = zip(copies, found[::2], found[1::2], strict=True)
    return [(bool(exists), siblings_in(others, copy_id=place.copy_id)) for place, exists, others in viewed]


def _keys_of(place: Place) -> tuple[str, str]:
    return key_of(place.tenant_id, place.copy_id), form_key_of(place.tenant_id, place.form_id)


def question_of(tenant_id: UUID, copy_id: UUID) -> Command:
    """Return the command that replies with the number of keys (0 or 1) of a copy with viewers."""
    return "EXISTS", key_of(tenant_id, copy_id)


def sibling_question_of(tenant_id: UUID, form_id: UUID) -> Command:
    """Return the command whose reply lists the viewed copies of a form, once for each of their sockets."""
    return "HVALS", form_key_of(tenant_id, form_id)


def siblings_in(listed: Iterable[bytes], *, copy_id: UUID) -> frozenset[UUID]:
    """Return the other copies than ``copy_id`` in the reply to ``sibling_question_of``."""
    return frozenset(UUID(found.decode()) for found in listed) - {copy_id}


async def register(redis: aioredis.Redis, viewers: Iterable[tuple[Place, Person]]) -> None:
    """Add the viewers to the hashes of their copies and forms, or refresh them. Raises ``RedisError``."""
    now = time.time()
    async with redis.pipeline(transaction=False) as pipeline:
        for place, person in viewers:
            key, form_key = key_of(place.tenant_id, place.copy_id), form_key_of(place.tenant_id, place.form_id)
            pipeline.hset(key, person.socket, msgspec.json.encode(Viewer(person, now)))
            pipeline.expire(key, EXPIRY_SECONDS)
            pipeline.hset(form_key, person.socket, str(place.copy_id))
            pipeline.expire(form_key, EXPIRY_SECONDS)
        await pipeline.execute()


async def unregister(redis: aioredis.Redis, place: Place, socket_id: str) -> None:
    """Remove a socket from the viewers of its copy. Raises ``RedisError``."""
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.hdel(key_of(place.tenant_id, place.copy_id), socket_id)
        pipeline.hdel(form_key_of(place.tenant_id, place.form_id), socket_id)
        await pipeline.execute()


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
