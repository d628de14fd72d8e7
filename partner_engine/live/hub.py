"""The hub: one Redis subscription per copy and one subscriber for all sockets of a process (one event loop).

Each message is decoded once and delivered to all sockets of its copy. After a lost connection, and with it lost
messages, the hub loads the versions and requests a resync from the viewers that missed one (see ADR 17).
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

from partner_engine.live import viewers
from partner_engine.live.frames import Person, Presence, write
from partner_engine.live.progress_rooms import ProgressRoom, Watcher
from partner_engine.live.queries import CopyFacts, load_versions
from partner_engine.live.rooms import Connection, Room
from partner_engine.live.transport import redis_channels
from tenants.models import Tenant

T = TypeVar("T")

#: How long a new socket waits for its subscription, in seconds. Without Redis it opens anyway and learns versions from
#: heartbeats.
SUBSCRIBE_SECONDS: Final = 2.0
GONE: Final = 4404
#: How often rooms of operations are looked at, in seconds.
_TICK: Final = 0.1
TRY_AGAIN: Final = 1013

log = structlog.get_logger(__name__)


class _Interrupted(Exception):
    """The client library reconnected by itself: messages may be lost."""


def in_thread(function: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Return an awaitable version of ``function``, which queries the database, running in a thread of its own."""
    return database_sync_to_async(function, thread_sensitive=False)


class Hub:
    """The rooms of this process by address, and the one subscriber that serves them.

    ``rooms`` are those of copies, ``progress_rooms`` those of batch operations.
    """

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.progress_rooms: dict[str, ProgressRoom] = {}
        self.redis = redis_channels.command_client()
        self._listening = redis_channels.subscriber()
        self._own = redis_channels.address(f"hub.{secrets.token_hex(8)}")
        self._pubsub: Any = None
        self._ready: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._tasks: set[asyncio.Task[None]] = set()

    def run_in_background(self, task: Coroutine[Any, Any, None]) -> None:
        """Run ``task`` in the background, and hold a reference to it until it is done."""
        running = asyncio.create_task(task)
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    @property
    def connections(self) -> list[Connection]:
        """Return all connections of this process to copies."""
        return [connection for room in self.rooms.values() for connection in room.connections.values()]

    @property
    def everyone(self) -> list[Connection | Watcher]:
        """Return all connections of this process, to copies and to operations."""
        watchers = [watcher for room in self.progress_rooms.values() for watcher in room.watchers.values()]
        return [*self.connections, *watchers]

    async def join(self, connection: Connection, *, copy_id: UUID, facts: CopyFacts) -> Room:
        """Add ``connection`` to the room of its copy; return once the room is subscribed, or after
        ``SUBSCRIBE_SECONDS``.
        """
        tenant = connection.grant.tenant
        fresh = Room(tenant=tenant, copy_id=copy_id, form_id=facts.form_id, catalogue=facts.catalogue)
        room = self.rooms.setdefault(fresh.address, fresh)
        room.connections[connection.person.socket] = connection
        await self._subscribe(room.address, is_new=room is fresh)
        with contextlib.suppress(RedisError, OSError):
            await viewers.register(self.redis, [(room.place, connection.person)])
        return room

    async def leave(self, room: Room, connection: Connection) -> None:
        """Remove ``connection`` from its room and from the viewers, and publish that it left."""
        room.connections.pop(connection.person.socket, None)
        if not room.connections and self.rooms.get(room.address) is room:
            del self.rooms[room.address]
            await self._unsubscribe(room.address)
        with contextlib.suppress(RedisError, OSError):
            await viewers.unregister(self.redis, room.place, connection.person.socket)
            owner, tenant_id = connection.grant.owner, room.tenant.id
            await viewers.forget_socket(
                self.redis, tenant_id=tenant_id, owner=owner, socket_id=connection.person.socket
            )
            await self.publish(room, Presence(event="left", person=connection.person))

    async def follow(self, watcher: Watcher, fresh: ProgressRoom) -> ProgressRoom:
        """Add ``watcher`` to the room at the address of ``fresh``, and send it the present states. Raises
        ``DatabaseError``.
        """
        room = self.progress_rooms.setdefault(fresh.address, fresh)
        room.watchers[watcher.socket] = watcher
        await self._subscribe(room.address, is_new=room is fresh)
        async with room.lock:
            for state in await in_thread(room.read)(room.asked):
                watcher.send(write(state))
        return room

    async def unfollow(self, watcher: Watcher) -> None:
        """Remove ``watcher`` from its room."""
        for room in list(self.progress_rooms.values()):
            room.watchers.pop(watcher.socket, None)
            if not room.watchers:
                self.progress_rooms.pop(room.address, None)
                await self._unsubscribe(room.address)
        with contextlib.suppress(RedisError, OSError):
            tenant_id, owner = watcher.grant.tenant.id, watcher.grant.owner
            await viewers.forget_socket(self.redis, tenant_id=tenant_id, owner=owner, socket_id=watcher.socket)

    async def send_progress(self) -> None:
        """Read the rooms of operations for the lifetime of the process, each when it is due."""
        while True:
            await asyncio.sleep(_TICK)
            due = [room for room in self.progress_rooms.values() if room.watchers and not room.waits()]
            await asyncio.gather(*(self._send_progress_of(room) for room in due))

    async def _send_progress_of(self, room: ProgressRoom) -> None:
        async with room.lock:
            asked = room.began_reading()
            try:
                states = await in_thread(room.read)(asked)
            except DatabaseError as error:
                log.warning("progress_not_read", reason=type(error).__name__)
                return
            room.send([write(state) for state in room.changed(states)])
            if room.ends_when_gone and not states:
                room.close(GONE, "this operation no longer exists")

    async def _subscribe(self, address: str, *, is_new: bool) -> None:
        """Subscribe to ``address`` and wait until that is confirmed, at most ``SUBSCRIBE_SECONDS``."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            if is_new and self._pubsub is not None:
                await self._pubsub.subscribe(address)
            await asyncio.wait_for(self._ready[address].wait(), SUBSCRIBE_SECONDS)

    async def _unsubscribe(self, address: str) -> None:
        self._ready.pop(address, None)
        with contextlib.suppress(RedisError, OSError):
            if self._pubsub is not None:
                await self._pubsub.unsubscribe(address)

    async def focus(self, room: Room, connection: Connection, path: str | None) -> None:
        """Publish that the viewer of ``connection`` is at the question ``path``."""
        connection.person = msgspec.structs.replace(connection.person, path=path)
        with contextlib.suppress(RedisError, OSError):
            await viewers.register(self.redis, [(room.place, connection.person)])
            await self.publish(room, Presence(event="focus", person=connection.person))

    async def publish(self, room: Room, presence: Presence) -> None:
        """Publish ``presence`` to the other viewers of the copy. Raises ``RedisError``."""
        message = {"type": "copy.presence", "sender": presence.person.socket, "frame": write(presence)}
        await self.redis.publish(room.address, redis_channels.encode(message))

    async def people(self, room: Room) -> list[Person]:
        """Return the viewers of the copy; without Redis only those of this process."""
        try:
            return await viewers.list_people(self.redis, room.key)
        except (RedisError, OSError, msgspec.DecodeError):
            return [connection.person for connection in room.connections.values()]

    async def register_viewers(self) -> None:
        """Register the connections of this process as viewers again. Raises ``RedisError``."""
        joined = [(room, connection) for room in self.rooms.values() for connection in room.connections.values()]
        if joined:
            await viewers.register(self.redis, [(room.place, connection.person) for room, connection in joined])
        owned = [(room.tenant.id, connection.grant.owner, connection.person.socket) for room, connection in joined]
        for progress in self.progress_rooms.values():
            owned += [(progress.tenant.id, one.grant.owner, one.socket) for one in progress.watchers.values()]
        if owned:
            await viewers.refresh_sockets(self.redis, owned)

    async def compare_versions(self) -> None:
        """Load the version of every copy: request a resync from viewers that missed one, and close rooms of deleted
        copies. Raises ``DatabaseError``.
        """
        by_tenant: dict[Tenant, list[Room]] = defaultdict(list)
        for room in self.rooms.values():
            by_tenant[room.tenant].append(room)
        for tenant, rooms in by_tenant.items():
            current = await in_thread(load_versions)(tenant, [room.copy_id for room in rooms])
            for room in rooms:
                if room.copy_id in current:
                    room.catch_up(current[room.copy_id])
                else:
                    room.close(GONE, "this copy no longer exists")

    async def listen(self) -> None:
        """Deliver published messages for the lifetime of the process; reconnect after a failure."""
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
            # The own address comes last: once it is confirmed, all others are.
            await pubsub.subscribe(*self.rooms, *self.progress_rooms, self._own)
            self._pubsub = pubsub
            async for message in pubsub.listen():
                name = message["channel"].decode()
                if message["type"] == "message":
                    self._deliver(name, message["data"])
                elif message["type"] == "subscribe" and name == self._own:
                    if confirmed:
                        raise _Interrupted
                    confirmed = True
                    self.run_in_background(self._recover())
                elif message["type"] == "subscribe":
                    self._ready[name].set()

    def _deliver(self, name: str, content: bytes) -> None:
        room = self.rooms.get(name) or self.progress_rooms.get(name)
        if room is not None:
            try:
                room.receive(redis_channels.decode(content))
            except (msgspec.DecodeError, KeyError, TypeError, ValueError):
                log.warning("socket_message_unreadable", group=name)

    async def _recover(self) -> None:
        """Make up for messages that were lost while there was no subscription."""
        try:
            for progress in self.progress_rooms.values():
                progress.is_due = True
            for address in {*self.rooms, *self.progress_rooms} - {
                name for name, ready in self._ready.items() if ready.is_set()
            }:
                # The room was added during the connection.
                if self._pubsub is not None:
                    await self._pubsub.subscribe(address)
            await self.register_viewers()
        except (RedisError, OSError) as error:
            # The keepalive registers the viewers again later; lost messages must be noticed anyway.
            log.warning("sockets_unregistered", reason=type(error).__name__)
        try:
            await self.compare_versions()
        except DatabaseError as error:
            log.warning("sockets_not_compared", reason=type(error).__name__)


_hubs: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]] = WeakKeyDictionary()


def hub_of_loop() -> tuple[Hub, bool]:
    """Return the hub of this event loop, and whether it is new."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is not None:
        return hub, False
    _hubs[loop] = hub = Hub()
    hub.run_in_background(hub.listen())
    hub.run_in_background(hub.send_progress())
    return hub, True
