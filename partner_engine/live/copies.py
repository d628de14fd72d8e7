"""``/ws/copies/{id}/``: hear what others save on a copy and who is there; ask for changes since a version."""

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
from partner_engine.live.frames import (
    MOST_BYTES,
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
from partner_engine.live.grants import Grant, by_guest, by_session, by_token
from partner_engine.live.queries import changes_frame, read_copy
from partner_engine.live.transport import viewers
from partner_engine.live.transport.hub import GONE, TRY_AGAIN, Hub, in_thread
from partner_engine.live.transport.keepalive import hub_looked_after
from partner_engine.live.transport.mailbox import Closed
from partner_engine.live.transport.origin import headers_of, is_our_host, is_our_page, names_a_page
from partner_engine.live.transport.rooms import Connection, Room
from partner_engine.problems import MEDIA_TYPE, Refused, render

TOO_LARGE: Final = 1009
#: Frames that a client may send at once, and then for each second.
BURST: Final = 40
PER_SECOND: Final = 10
#: Frames that are refused in a row before the socket is closed: each of them costs all others at this process.
MOST_REFUSED: Final = 100
TOO_MANY: Final = 4429

log = structlog.get_logger(__name__)


class CopySocket(AsyncWebsocketConsumer):
    """One socket at one copy."""

    #: No layer has this name: the hub listens for all sockets of a process, none has a channel of its own.
    channel_layer_alias = "none"

    def __init__(self) -> None:
        super().__init__()
        self._hub: Hub | None = None
        self._table: Room | None = None
        self._seat: Connection | None = None
        self._writer: asyncio.Task[None] | None = None
        self._allowance = float(BURST)
        self._refused = 0
        self._asked_at = time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket; leave nothing behind however that ends, also where nobody tells of a disconnect."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._leave()

    async def connect(self) -> None:
        """Let the client in, or answer its handshake with 401, 403, 404, 429 or 503."""
        headers = headers_of(self.scope)
        correlation_id = correlation_id_of(headers.get("x-correlation-id"))
        bind_contextvars(correlation_id=correlation_id)
        hub = hub_looked_after()
        copy_id: UUID = self.scope["url_route"]["kwargs"]["id"]
        try:
            grant = await in_thread(grant_of)(self.scope, copy_id)
            facts = await in_thread(read_copy)(grant.tenant, copy_id)
            if facts is None:
                raise Refused(404, "not_found", "There is no such copy.")
            person = _person(grant)
            await _admit(hub, grant, person)
        except Refused as refused:
            return await self._deny(refused, correlation_id)
        except DatabaseError:
            detail = "A service that this needs does not answer; try again in a moment."
            return await self._deny(Refused(503, "unavailable", detail), correlation_id)
        await self.accept()
        self._hub, self._seat = hub, Connection(grant, person)
        # Subscribed first, then the snapshot: what is saved in between is told, not lost.
        self._table = await hub.sit(self._seat, tenant=grant.tenant, copy_id=copy_id, catalogue=facts.catalogue)
        await self._begin(copy_id)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a frame; one that is wrong is answered with what is wrong."""
        seat, table = self._seat, self._table
        if seat is None or table is None:
            return
        if text_data is None:
            return self._say(ErrorFrame(code="text_only", detail="Frames are text: JSON."))
        if len(text_data.encode()) > MOST_BYTES:
            return seat.mailbox.close(TOO_LARGE, f"a frame has at most {MOST_BYTES} bytes")
        if not self._may_ask():
            self._refused += 1
            if self._refused > MOST_REFUSED:
                return seat.mailbox.close(TOO_MANY, f"send at most {PER_SECOND} frames a second")
            return self._say(ErrorFrame(code="too_many_frames", detail=f"Send at most {PER_SECOND} frames a second."))
        self._refused = 0
        try:
            await self._answer(text_data, seat, table)
        except BadFrame as bad:
            self._say(bad.frame)
        except NotFound:
            seat.mailbox.close(GONE, "this copy is not there any more")
        except DatabaseError:
            seat.mailbox.close(TRY_AGAIN, "a service that this needs does not answer")

    async def disconnect(self, code: int) -> None:
        """Leave nothing behind."""
        await self._leave(code)

    async def _leave(self, code: int | None = None) -> None:
        if self._writer is not None:
            self._writer.cancel()
        table, self._table = self._table, None
        if self._hub is not None and table is not None and self._seat is not None:
            await self._hub.rise(table, self._seat)
            log.info("socket_closed", copy=str(table.copy_id), code=code)

    async def _begin(self, copy_id: UUID) -> None:
        seat, table, hub = self._seat, self._table, self._hub
        if seat is None or table is None or hub is None:
            return
        self._writer = asyncio.create_task(self._write(seat))
        try:
            facts = await in_thread(read_copy)(seat.grant.tenant, copy_id)
        except DatabaseError:
            return seat.mailbox.close(TRY_AGAIN, "a service that this needs does not answer")
        if facts is None:
            return seat.mailbox.close(GONE, "this copy is not there any more")
        snapshot = Snapshot(
            socket=seat.person.socket,
            copy=str(copy_id),
            version=facts.version,
            release=facts.release,
            people=seat.known(await hub.people(table)),
        )
        seat.send(write(snapshot), at=facts.version)
        table.start(seat, version=facts.version, release=facts.release)
        log.info("socket_opened", copy=str(copy_id), owner=seat.grant.owner, version=facts.version)
        with contextlib.suppress(RedisError, OSError):
            await hub.tell(table, Presence(event="joined", person=seat.person))

    async def _answer(self, text: str, seat: Connection, table: Room) -> None:
        asked = read(text)
        if isinstance(asked, Focus):
            if self._hub is not None and asked.path != seat.person.path:
                await self._hub.move(table, seat, asked.path)
            return
        if isinstance(asked, View):
            seat.is_in_view = asked.visible
            return
        if seat.grant.is_guest:
            detail = "Guests read what changed on their page."
            return self._say(ErrorFrame(code="not_for_guests", detail=detail))
        answer = await in_thread(changes_frame)(seat.grant, table.copy_id, since=asked.version)
        seat.send(write(answer), at=answer.body.version)

    def _say(self, frame: msgspec.Struct) -> None:
        if self._seat is not None and self._table is not None:
            self._seat.send(write(frame), at=self._table.latest)

    def _may_ask(self) -> bool:
        now = time.monotonic()
        self._allowance = min(float(BURST), self._allowance + (now - self._asked_at) * PER_SECOND)
        self._asked_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    async def _write(self, seat: Connection) -> None:
        """Send what waits, one frame after the other: a client that does not read holds up nobody else."""
        # The server raises OSError, and RuntimeError where the close was under way already.
        with contextlib.suppress(OSError, RuntimeError):
            try:
                while True:
                    # Past the two methods around it: with hundreds of sockets they are a tenth of the time.
                    await self.base_send({"type": "websocket.send", "text": await seat.mailbox.take()})
            except Closed as closed:
                await self.close(code=closed.code, reason=closed.reason)

    async def _deny(self, refused: Refused, correlation_id: str) -> None:
        log.info("socket_refused", path=self.scope["path"], status=refused.status)
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.close()
            return
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
        start: dict[str, Any] = {"type": "websocket.http.response.start", "status": refused.status, "headers": headers}
        body = render(refused, instance=self.scope["path"], correlation_id=correlation_id)
        await self.base_send(start)
        await self.base_send({"type": "websocket.http.response.body", "body": body})


def grant_of(scope: dict[str, Any], copy_id: UUID) -> Grant:
    """Return by which right the handshake comes: ``?ticket=``, ``?as=guest`` for a guest's session, else the agent's.
    Raises ``Refused``.

    A page of another origin is refused whatever it brings; without a ticket there must be a page of ours.
    """
    if not is_our_host(scope) or (names_a_page(scope) and not is_our_page(scope)):
        raise Refused(403, "foreign_page", "This page may not open a socket here.")
    query = parse_qs(scope["query_string"].decode("latin-1"))
    ticket = query.get("ticket", [""])[0]
    if not ticket:
        if not names_a_page(scope):
            raise Refused(401, "not_authenticated", "Programs come with a ticket: POST /api/v1/socket_tickets.")
        cookies = parse_cookie(headers_of(scope).get("cookie", ""))
        if query.get("as") == ["guest"]:
            return by_guest(copy_id, cookies.get(GUEST_SOCKET_COOKIE, ""))
        return by_session(cookies.get(settings.SESSION_COOKIE_NAME, ""))
    try:
        found = socket_tickets.redeem(ticket)
    except RedisError as error:
        raise Refused(503, "unavailable", "Tickets cannot be checked now; try again.") from error
    if found is None:
        raise Refused(401, "authentication_failed", "The ticket is used, expired or unknown; get a new one.")
    kind, key = found
    return by_session(key) if kind == "session" else by_token(int(key))


def _person(grant: Grant) -> Person:
    actor = grant.actor
    return Person(socket=secrets.token_hex(16), type=actor.type, id=actor.id, name=actor.label)


async def _admit(hub: Hub, grant: Grant, person: Person) -> None:
    """Count the socket among its owner's. Raises ``Refused`` for one too many."""
    here = sum(seat.grant.owner == grant.owner for seat in hub.seats)
    is_admitted = here < viewers.MOST_SOCKETS
    with contextlib.suppress(RedisError, OSError):
        is_admitted = is_admitted and await viewers.admit(
            hub.redis, tenant_id=grant.tenant.id, owner=grant.owner, socket_id=person.socket
        )
    if not is_admitted:
        raise Refused(429, "too_many_sockets", f"You have {viewers.MOST_SOCKETS} sockets open; close one.")
