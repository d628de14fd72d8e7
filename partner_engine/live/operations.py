"""``/ws/batch_operations/{id}/`` and ``/ws/batch_operations/``: the progress of one operation, or of the caller's own.

The first frames are the state now; a client that lost its connection opens it again and misses nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from django.db import Error as DatabaseError
from structlog.contextvars import bind_contextvars

from partner_engine.correlation import correlation_id_of
from partner_engine.live.frames import MAX_BYTES
from partner_engine.live.grants import Grant
from partner_engine.live.handshake import MailboxSocket, count_open_socket, grant_of
from partner_engine.live.hub import TRY_AGAIN, Hub, in_thread
from partner_engine.live.keepalive import hub_with_keepalive
from partner_engine.live.progress_queries import progress_of, progress_of_owner
from partner_engine.live.progress_rooms import ProgressRoom, Watcher, operation_address, owner_address
from partner_engine.live.transport.origin import headers_of
from partner_engine.problems import Refused

#: Clients have nothing to send here; more than this is an error of the client.
MOST_RECEIVED: Final = 100
TOO_MANY: Final = 4429

log = structlog.get_logger(__name__)


class OperationSocket(MailboxSocket):
    """The connection of one client to one operation, or without an id to its own operations."""

    def __init__(self) -> None:
        super().__init__()
        self._hub: Hub | None = None
        self._room: ProgressRoom | None = None
        self._watcher: Watcher | None = None
        self._writer: asyncio.Task[None] | None = None
        self._received = 0

    async def connect(self) -> None:
        """Accept the client, or refuse its handshake with 401, 403, 404, 429 or 503."""
        correlation_id = correlation_id_of(headers_of(self.scope).get("x-correlation-id"))
        bind_contextvars(correlation_id=correlation_id)
        hub = hub_with_keepalive()
        operation_id: UUID | None = self.scope["url_route"]["kwargs"].get("id")
        socket = secrets.token_hex(16)
        try:
            grant = await in_thread(grant_of)(self.scope, None)
            if operation_id is not None and not await in_thread(progress_of)(grant.tenant, operation_id):
                raise Refused(404, "not_found", "There is no such operation.")
            await count_open_socket(hub, grant, socket_id=socket)
        except Refused as refused:
            return await self.deny(refused, correlation_id)
        except DatabaseError:
            detail = "A required service is unavailable; try again in a moment."
            return await self.deny(Refused(503, "unavailable", detail), correlation_id)
        await self.accept()
        watcher = Watcher(grant, socket)
        self._hub, self._watcher = hub, watcher
        self._writer = asyncio.create_task(self.write_from(watcher.mailbox))
        try:
            self._room = await hub.follow(watcher, _room_of(grant, operation_id))
        except DatabaseError:
            watcher.mailbox.close(TRY_AGAIN, "a required service is unavailable")
        log.info("operation_socket_opened", operation=str(operation_id or ""), owner=grant.owner)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore a client's frame; close the socket of a client that sends many or a large one."""
        self._received += 1
        size = len(bytes_data or b"") + len((text_data or "").encode())
        if self._watcher is not None and (self._received > MOST_RECEIVED or size > MAX_BYTES):
            self._watcher.mailbox.close(TOO_MANY, "this socket takes no frames")

    async def leave(self, code: int | None = None) -> None:
        """Leave the room and stop the writer."""
        if self._writer is not None:
            self._writer.cancel()
        hub, watcher, self._watcher = self._hub, self._watcher, None
        if hub is not None and watcher is not None:
            await hub.unfollow(watcher)
            log.info("operation_socket_closed", code=code)


def _room_of(grant: Grant, operation_id: UUID | None) -> ProgressRoom:
    """Return a new room of the operation, or of all operations of the actor of ``grant``; its tenant's alone."""
    tenant, owner = grant.tenant, (grant.actor.type, grant.actor.id)
    if operation_id is None:
        return ProgressRoom(
            tenant=tenant,
            address=owner_address(tenant.id, *owner),
            read=partial(progress_of_owner, tenant, owner),
            ends_when_gone=False,
        )
    return ProgressRoom(
        tenant=tenant,
        address=operation_address(tenant.id, operation_id),
        read=lambda _: progress_of(tenant, operation_id),
        ends_when_gone=True,
    )
