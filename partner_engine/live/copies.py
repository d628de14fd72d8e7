"""``/ws/copies/{id}/``: the WebSocket consumer that reports saves on a copy and its viewers, and returns changes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import Final
from uuid import UUID

import msgspec
import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars

from batch.errors import NotFound
from partner_engine.correlation import correlation_id_of
from partner_engine.live.frames import (
    MAX_BYTES,
    BadFrame,
    ErrorFrame,
    Focus,
    Person,
    Presence,
    Snapshot,
    View,
    read,
    write,
)
from partner_engine.live.grants import Grant
from partner_engine.live.handshake import MailboxSocket, count_open_socket, grant_of
from partner_engine.live.hub import GONE, TRY_AGAIN, Hub, in_thread
from partner_engine.live.keepalive import hub_with_keepalive
from partner_engine.live.queries import changes_frame, load_copy_facts
from partner_engine.live.rooms import Connection, Room
from partner_engine.live.transport.origin import headers_of
from partner_engine.problems import Refused

TOO_LARGE: Final = 1009
#: The number of frames that a client may send at once, and then per second.
BURST: Final = 40
PER_SECOND: Final = 10
#: Consecutive refused frames after which the socket is closed: each of them costs every socket of the process.
MAX_REFUSED: Final = 100
TOO_MANY: Final = 4429

log = structlog.get_logger(__name__)


class CopySocket(MailboxSocket):
    """The connection of one client to one copy."""

    def __init__(self) -> None:
        super().__init__()
        self._hub: Hub | None = None
        self._room: Room | None = None
        self._connection: Connection | None = None
        self._writer: asyncio.Task[None] | None = None
        self._allowance = float(BURST)
        self._refused = 0
        self._refilled_at = time.monotonic()

    async def connect(self) -> None:
        """Accept the client, or refuse its handshake with 401, 403, 404, 429 or 503."""
        headers = headers_of(self.scope)
        correlation_id = correlation_id_of(headers.get("x-correlation-id"))
        bind_contextvars(correlation_id=correlation_id)
        hub = hub_with_keepalive()
        copy_id: UUID = self.scope["url_route"]["kwargs"]["id"]
        try:
            grant = await in_thread(grant_of)(self.scope, copy_id)
            facts = await in_thread(load_copy_facts)(grant.tenant, copy_id)
            if facts is None:
                raise Refused(404, "not_found", "This copy does not exist.")
            person = _person(grant)
            await count_open_socket(hub, grant, socket_id=person.socket)
        except Refused as refused:
            return await self.deny(refused, correlation_id)
        except DatabaseError:
            detail = "A required service is unavailable; try again in a moment."
            return await self.deny(Refused(503, "unavailable", detail), correlation_id)
        await self.accept()
        self._hub, self._connection = hub, Connection(grant, person)
        # Subscribe before the snapshot, so that a save in between is not lost.
        self._room = await hub.join(self._connection, copy_id=copy_id, facts=facts)
        await self._send_snapshot(copy_id)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Respond to a client's frame, with an error frame if it is invalid."""
        connection, room = self._connection, self._room
        if connection is None or room is None:
            return
        if text_data is None:
            return self._send_error(ErrorFrame(code="text_only", detail="Send frames as text, in JSON."))
        if len(text_data.encode()) > MAX_BYTES:
            return connection.mailbox.close(TOO_LARGE, f"a frame has at most {MAX_BYTES} bytes")
        if not self._may_send():
            self._refused += 1
            if self._refused > MAX_REFUSED:
                return connection.mailbox.close(TOO_MANY, f"send at most {PER_SECOND} frames a second")
            return self._send_error(
                ErrorFrame(code="too_many_frames", detail=f"Send at most {PER_SECOND} frames a second.")
            )
        self._refused = 0
        try:
            await self._respond(text_data, connection, room)
        except BadFrame as bad:
            self._send_error(bad.frame)
        except NotFound:
            connection.mailbox.close(GONE, "this copy no longer exists")
        except DatabaseError:
            connection.mailbox.close(TRY_AGAIN, "a required service is unavailable")

    async def leave(self, code: int | None = None) -> None:
        """Leave the room and stop the writer."""
        if self._writer is not None:
            self._writer.cancel()
        room, self._room = self._room, None
        if self._hub is not None and room is not None and self._connection is not None:
            await self._hub.leave(room, self._connection)
            log.info("socket_closed", copy=str(room.copy_id), code=code)

    async def _send_snapshot(self, copy_id: UUID) -> None:
        connection, room, hub = self._connection, self._room, self._hub
        if connection is None or room is None or hub is None:
            return
        self._writer = asyncio.create_task(self.write_from(connection.mailbox))
        try:
            facts = await in_thread(load_copy_facts)(connection.grant.tenant, copy_id)
        except DatabaseError:
            return connection.mailbox.close(TRY_AGAIN, "a required service is unavailable")
        if facts is None:
            return connection.mailbox.close(GONE, "this copy no longer exists")
        snapshot = Snapshot(
            socket=connection.person.socket,
            copy=str(copy_id),
            version=facts.version,
            release=facts.release,
            people=connection.visible(connection.among(await hub.people(room))),
        )
        connection.send(write(snapshot), at=facts.version)
        room.start(connection, version=facts.version, release=facts.release)
        log.info("socket_opened", copy=str(copy_id), owner=connection.grant.owner, version=facts.version)
        with contextlib.suppress(RedisError, OSError):
            await hub.publish(room, Presence(event="joined", person=connection.person))

    async def _respond(self, text: str, connection: Connection, room: Room) -> None:
        received = read(text)
        if isinstance(received, Focus):
            if self._hub is not None and received.path != connection.person.path:
                await self._hub.focus(room, connection, received.path)
            return
        if isinstance(received, View):
            connection.is_in_view = received.visible
            return
        if connection.grant.is_guest:
            detail = "Guests cannot request changes here; their page loads them."
            return self._send_error(ErrorFrame(code="not_for_guests", detail=detail))
        changes = await in_thread(changes_frame)(connection.grant, room.copy_id, since=received.version)
        connection.send(write(changes), at=changes.body.version)

    def _send_error(self, frame: msgspec.Struct) -> None:
        if self._connection is not None and self._room is not None:
            self._connection.send(write(frame), at=self._room.latest)

    def _may_send(self) -> bool:
        now = time.monotonic()
        self._allowance = min(float(BURST), self._allowance + (now - self._refilled_at) * PER_SECOND)
        self._refilled_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def _person(grant: Grant) -> Person:
    actor = grant.actor
    return Person(socket=secrets.token_hex(16), type=actor.type, id=actor.id, name=actor.label)
