"""What the sockets of one process (one event loop) share: one subscription per copy, one connection that listens.

Each message is read once and handed to all sockets at its copy. The hub knows when its connection was lost, and with it
messages: then it looks up the versions and tells those who missed something to ask (see ADR 14).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
import structlog
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from partner_engine.live.frames import Person, Presence, write
from partner_engine.live.queries import versions
from partner_engine.live.transport import channel_layer, viewers
from partner_engine.live.transport.rooms import Connection, Room
from tenants.models import Tenant

T = TypeVar("T")

#: How long a socket waits for its subscription, in seconds; without Redis it opens all the same, and hears of versions.
PATIENCE: Final = 2.0
GONE: Final = 4404
TRY_AGAIN: Final = 1013

log = structlog.get_logger(__name__)


class _Interrupted(Exception):
    """The client library connected anew by itself: messages may be lost."""


def in_thread(function: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Return ``function``, which asks the database, to be awaited; several run at a time, each in its own thread."""
    return database_sync_to_async(function, thread_sensitive=False)


class Hub:
    """The tables of this process by their address, and the one listener that serves them."""

    def __init__(self) -> None:
        self.tables: dict[str, Room] = {}
        self.redis = channel_layer.connect_to_ask()
        self._listening = channel_layer.connect_to_listen()
        self._own = channel_layer.address(f"hub.{secrets.token_hex(8)}")
        self._pubsub: Any = None
        self._ready: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, task: Coroutine[Any, Any, None]) -> None:
        """Run ``task`` beside; it is kept until it ends."""
        running = asyncio.create_task(task)
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    @property
    def seats(self) -> list[Connection]:
        """Return all sockets of this process."""
        return [seat for table in self.tables.values() for seat in table.seats.values()]

    async def sit(self, seat: Connection, *, tenant: Tenant, copy_id: UUID, catalogue: str) -> Room:
        """Give ``seat`` a place at its copy; return once the copy's messages come in, or after ``PATIENCE``."""
        fresh = Room(tenant=tenant, copy_id=copy_id, catalogue=catalogue)
        table = self.tables.setdefault(fresh.address, fresh)
        table.seats[seat.person.socket] = seat
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            if table is fresh and self._pubsub is not None:
                await self._pubsub.subscribe(table.address)
            await asyncio.wait_for(self._ready[table.address].wait(), PATIENCE)
        with contextlib.suppress(RedisError, OSError):
            await viewers.enter(self.redis, [(table.key, seat.person)])
        return table

    async def rise(self, table: Room, seat: Connection) -> None:
        """Take ``seat`` away, with all that others know of it."""
        table.seats.pop(seat.person.socket, None)
        if not table.seats and self.tables.get(table.address) is table:
            del self.tables[table.address]
            self._ready.pop(table.address, None)
            with contextlib.suppress(RedisError, OSError):
                if self._pubsub is not None:
                    await self._pubsub.unsubscribe(table.address)
        with contextlib.suppress(RedisError, OSError):
            await viewers.leave(self.redis, table.key, seat.person.socket)
            owner, tenant_id = seat.grant.owner, table.tenant.id
            await viewers.dismiss(self.redis, tenant_id=tenant_id, owner=owner, socket_id=seat.person.socket)
            await self.tell(table, Presence(event="left", person=seat.person))

    async def move(self, table: Room, seat: Connection, path: str | None) -> None:
        """Let the others know that ``seat`` is at the question ``path`` now."""
        seat.person = msgspec.structs.replace(seat.person, path=path)
        with contextlib.suppress(RedisError, OSError):
            await viewers.enter(self.redis, [(table.key, seat.person)])
            await self.tell(table, Presence(event="focus", person=seat.person))

    async def tell(self, table: Room, presence: Presence) -> None:
        """Publish ``presence`` to all others at the copy. Raises ``RedisError``."""
        message = {"type": "copy.presence", "sender": presence.person.socket, "frame": write(presence)}
        await self.redis.publish(table.address, channel_layer.encode(message))

    async def people(self, table: Room) -> list[Person]:
        """Return who is at the copy, at least those of this process."""
        try:
            return await viewers.list_people(self.redis, table.key)
        except (RedisError, OSError, msgspec.DecodeError):
            return [seat.person for seat in table.seats.values()]

    async def register(self) -> None:
        """Note anew that the sockets of this process look where they do. Raises ``RedisError``."""
        places = [(table, seat) for table in self.tables.values() for seat in table.seats.values()]
        if places:
            await viewers.enter(self.redis, [(table.key, seat.person) for table, seat in places])
            owned = [(table.tenant.id, seat.grant.owner, seat.person.socket) for table, seat in places]
            await viewers.stay(self.redis, owned)

    async def compare(self) -> None:
        """Look up the version of every copy; who missed one is told to ask, who sits at one that is gone is sent away.

        Raises ``DatabaseError``.
        """
        by_tenant: dict[Tenant, list[Room]] = defaultdict(list)
        for table in self.tables.values():
            by_tenant[table.tenant].append(table)
        for tenant, tables in by_tenant.items():
            known = await in_thread(versions)(tenant, [table.copy_id for table in tables])
            for table in tables:
                if table.copy_id in known:
                    table.found(known[table.copy_id])
                else:
                    table.close(GONE, "this copy is not there any more")

    async def listen(self) -> None:
        """Hand on what is published, for as long as the process lives."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, _Interrupted) as error:
                log.warning("sockets_interrupted", reason=type(error).__name__)
            self._pubsub = None
            for ready in self._ready.values():
                ready.clear()
            await asyncio.sleep(0.1 + secrets.randbelow(200) / 1_000)

    async def _listen(self) -> None:
        confirmed = False
        async with self._listening.pubsub() as pubsub:
            # Our own address comes last: once it is confirmed all others are.
            await pubsub.subscribe(*self.tables, self._own)
            self._pubsub = pubsub
            async for message in pubsub.listen():
                name = message["channel"].decode()
                if message["type"] == "message":
                    self._deliver(name, message["data"])
                elif message["type"] == "subscribe" and name == self._own:
                    if confirmed:
                        raise _Interrupted
                    confirmed = True
                    self.begin(self._recover())
                elif message["type"] == "subscribe":
                    self._ready[name].set()

    def _deliver(self, name: str, content: bytes) -> None:
        table = self.tables.get(name)
        if table is not None:
            try:
                table.receive(channel_layer.decode(content))
            except (msgspec.DecodeError, KeyError, TypeError):
                log.warning("socket_message_unreadable", group=name)

    async def _recover(self) -> None:
        """Make up for what was lost while nobody listened."""
        try:
            for address in set(self.tables) - {name for name, ready in self._ready.items() if ready.is_set()}:
                # Came while the connection was being made.
                if self._pubsub is not None:
                    await self._pubsub.subscribe(address)
            await self.register()
        except (RedisError, OSError) as error:
            # Whoever looks after the sockets registers them anew; what was lost must be told all the same.
            log.warning("sockets_unregistered", reason=type(error).__name__)
        try:
            await self.compare()
        except DatabaseError as error:
            log.warning("sockets_not_compared", reason=type(error).__name__)


_hubs: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]] = WeakKeyDictionary()


def hub_here() -> tuple[Hub, bool]:
    """Return the hub of this event loop, and whether it is new."""
    loop = asyncio.get_running_loop()
    known = _hubs.get(loop)
    if known is None:
        _hubs[loop] = known = Hub()
        known.begin(known.listen())
        return known, True
    return known, False
