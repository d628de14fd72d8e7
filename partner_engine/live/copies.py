"""``/ws/copies/{id}/``: the WebSocket consumer that reports saves on a copy and its viewers, and returns changes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import parse_cookie
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars

from batch.errors import NotFound
from partner_engine import socket_tickets
from partner_engine.correlation import correlation_id_of
from partner_engine.guest_access import GUEST_SOCKET_COOKIE
from partner_engine.live import viewers
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
from partner_engine.live.grants import Grant, guest_grant, session_grant, token_grant
from partner_engine.live.hub import GONE, TRY_AGAIN, Hub, in_thread
from partner_engine.live.keepalive import hub_with_keepalive
from partner_engine.live.queries import changes_frame, load_copy_facts
from partner_engine.live.rooms import Connection, Room
from partner_engine.live.transport.mailbox import Closed
from partner_engine.live.transport.origin import headers_of, is_our_host, is_our_page, names_a_page
from partner_engine.live.transport.refusal import refuse_handshake
from partner_engine.problems import Refused
from partner_engine.rate_limits import count_socket
from tenants.limits.scopes import REALTIME

TOO_LARGE: Final = 1009
#: The number of frames that a client may send at once, and then per second.
BURST: Final = 40
PER_SECOND: Final = 10
#: Consecutive refused frames after which the socket is closed: each of them costs every socket of the process.
MAX_REFUSED: Final = 100
TOO_MANY: Final = 4429

log = structlog.get_logger(__name__)


class CopySocket(AsyncWebsocketConsumer):
    """The connection of one client to one copy."""

    #: No layer has this name: the hub subscribes for all sockets of a process, so none needs a channel of its own.
    channel_layer_alias = "none"

    def __init__(self) -> None:
        super().__init__()
        self._hub: Hub | None = None
        self._room: Room | None = None
        self._connection: Connection | None = None
        self._writer: asyncio.Task[None] | None = None
        self._allowance = float(BURST)
        self._refused = 0
        self._refilled_at = time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket; clean up however it ends, even if the server reports no disconnect."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._leave()

    async def connect(self) -> None:
        """Accept the client, or refuse its handshake with 401, 403, 404, 429 or 503."""
        headers = headers_of(self.scope)
        correlation_id = correlation_id_of(headers.get("x-correlation-id"))
        bind_contextvars(correlation_id=correlation_id)
        hub = hub_with_keepalive()
        copy_id: UUID = self.scope["url_route"]["kwargs"]["id"]
        try:
            grant = await in_thread(grant_of)(self.scope, copy_id)
            await in_thread(count_socket)(REALTIME, actor=grant.actor, tenant=grant.tenant, handshake=self.scope)
            facts = await in_thread(load_copy_facts)(grant.tenant, copy_id)
            if facts is None:
                raise Refused(404, "not_found", "This copy does not exist.")
            person = _person(grant)
            await _count_socket(hub, grant, person)
        except Refused as refused:
            return await self._deny(refused, correlation_id)
        except DatabaseError:
            detail = "A required service is unavailable; try again in a moment."
            return await self._deny(Refused(503, "unavailable", detail), correlation_id)
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

    async def disconnect(self, code: int) -> None:
        """Leave the room and stop the writer."""
        await self._leave(code)

    async def _leave(self, code: int | None = None) -> None:
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
        self._writer = asyncio.create_task(self._write(connection))
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
            people=connection.visible(await hub.people(room)),
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

    async def _write(self, connection: Connection) -> None:
        """Send the queued frames one after the other, so that a client that does not read delays no other client."""
        # The server raises OSError, and RuntimeError if the socket is closing already.
        with contextlib.suppress(OSError, RuntimeError):
            try:
                while True:
                    # Bypasses two methods of Channels: with hundreds of sockets they take a tenth of the time.
                    await self.base_send({"type": "websocket.send", "text": await connection.mailbox.take()})
            except Closed as closed:
                await self.close(code=closed.code, reason=closed.reason)

    async def _deny(self, refused: Refused, correlation_id: str) -> None:
        log.info("socket_refused", path=self.scope["path"], status=refused.status)
        await refuse_handshake(self, refused, correlation_id)


def grant_of(scope: dict[str, Any], copy_id: UUID) -> Grant:
    """Return the grant of a handshake: of its ``?ticket=``, with ``?as=guest`` of the guest's session, else of the
    agent's session. Raises ``Refused``.

    Pages of another origin are always refused; programs, which send no origin, must use a ticket.
    """
    if not is_our_host(scope) or (names_a_page(scope) and not is_our_page(scope)):
        raise Refused(403, "foreign_page", "Pages of other sites may not open a socket here.")
    query = parse_qs(scope["query_string"].decode("latin-1"))
    ticket = query.get("ticket", [""])[0]
    if not ticket:
        if not names_a_page(scope):
            raise Refused(401, "not_authenticated", "Programs need a ticket: POST /api/v1/tickets.")
        cookies = parse_cookie(headers_of(scope).get("cookie", ""))
        if query.get("as") == ["guest"]:
            return guest_grant(copy_id, cookies.get(GUEST_SOCKET_COOKIE, ""))
        return session_grant(cookies.get(settings.SESSION_COOKIE_NAME, ""))
    try:
        redeemed = socket_tickets.redeem(ticket)
    except RedisError as error:
        raise Refused(503, "unavailable", "Tickets cannot be checked at the moment; try again.") from error
    if redeemed is None:
        raise Refused(401, "authentication_failed", "The ticket is used, expired or unknown; get a new one.")
    kind, key = redeemed
    return session_grant(key) if kind == "session" else token_grant(int(key))


def _person(grant: Grant) -> Person:
    actor = grant.actor
    return Person(socket=secrets.token_hex(16), type=actor.type, id=actor.id, name=actor.label)


async def _count_socket(hub: Hub, grant: Grant, person: Person) -> None:
    """Count the socket among the sockets of its owner. Raises ``Refused`` above the limit."""
    local = sum(connection.grant.owner == grant.owner for connection in hub.connections)
    is_admitted = local < viewers.MAX_SOCKETS
    with contextlib.suppress(RedisError, OSError):
        is_admitted = is_admitted and await viewers.count_socket(
            hub.redis, tenant_id=grant.tenant.id, owner=grant.owner, socket_id=person.socket
        )
    if not is_admitted:
        raise Refused(
            429, "too_many_sockets", f"You have {viewers.MAX_SOCKETS} sockets open, the maximum; close one first."
        )
