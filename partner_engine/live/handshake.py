"""What all sockets share: the grant of a handshake, the count of sockets, and a consumer that writes from a mailbox."""

from __future__ import annotations

import contextlib
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import parse_cookie
from redis.exceptions import RedisError

from partner_engine import socket_tickets
from partner_engine.cross_origin import is_of_any_client
from partner_engine.guest_access import GUEST_SOCKET_COOKIE
from partner_engine.live import viewers
from partner_engine.live.grants import Grant, foreign_page, guest_grant, session_grant, token_grant
from partner_engine.live.hub import Hub
from partner_engine.live.transport.mailbox import Closed, Mailbox
from partner_engine.live.transport.origin import headers_of, is_our_host, is_our_page, names_a_page
from partner_engine.live.transport.refusal import refuse_handshake
from partner_engine.problems import Refused
from partner_engine.rate_limits import count_opened_socket
from tenants.limits.scopes import REALTIME

log = structlog.get_logger(__name__)


class MailboxSocket(AsyncWebsocketConsumer):
    """A socket that sends the frames of its mailbox one after the other."""

    #: No layer has this name: the hub subscribes for all sockets of a process, so none needs a channel of its own.
    channel_layer_alias: Final = "none"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket; clean up however it ends, even if the server reports no disconnect."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.leave()

    async def disconnect(self, code: int) -> None:
        """Leave the hub and stop the writer."""
        await self.leave(code)

    async def leave(self, code: int | None = None) -> None:
        """Leave the hub; called at least once, at the end."""
        raise NotImplementedError

    async def write_from(self, mailbox: Mailbox) -> None:
        """Send the queued frames one after the other, so that a client that does not read delays no other client."""
        # The server raises OSError, and RuntimeError if the socket is closing already.
        with contextlib.suppress(OSError, RuntimeError):
            try:
                while True:
                    # Bypasses two methods of Channels: with hundreds of sockets they take a tenth of the time.
                    await self.base_send({"type": "websocket.send", "text": await mailbox.take()})
            except Closed as closed:
                await self.close(code=closed.code, reason=closed.reason)

    async def deny(self, refused: Refused, correlation_id: str) -> None:
        """Refuse the handshake."""
        log.info("socket_refused", path=self.scope["path"], status=refused.status)
        await refuse_handshake(self, refused, correlation_id)


def grant_of(scope: dict[str, Any], copy_id: UUID | None) -> Grant:
    """Return the grant of a handshake: of its ``?ticket=``, with ``?as=guest`` of the guest's session, else of the
    agent's session. Without ``copy_id`` it is no socket for guests. Counts the opened socket. Raises ``Refused``.

    Programs, which send no origin, must use a ticket. So must pages of another origin, whose ticket must be of an API
    client that allows their origin: no cookie opens a socket for them.
    """
    grant = _grant_of(scope, copy_id)
    count_opened_socket(REALTIME, actor=grant.actor, tenant=grant.tenant, handshake=scope)
    return grant


def _grant_of(scope: dict[str, Any], copy_id: UUID | None) -> Grant:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    ticket = query.get("ticket", [""])[0]
    origin = _foreign_origin(scope, is_with_ticket=bool(ticket))
    if not ticket:
        if not names_a_page(scope):
            raise Refused(401, "not_authenticated", "Programs need a ticket: POST /api/v1/tickets.")
        cookies = parse_cookie(headers_of(scope).get("cookie", ""))
        if query.get("as") == ["guest"] and copy_id is not None:
            return guest_grant(copy_id, cookies.get(GUEST_SOCKET_COOKIE, ""))
        return session_grant(cookies.get(settings.SESSION_COOKIE_NAME, ""))
    try:
        redeemed = socket_tickets.redeem(ticket)
    except RedisError as error:
        raise Refused(503, "unavailable", "Tickets cannot be checked at the moment; try again.") from error
    if redeemed is None:
        raise Refused(401, "authentication_failed", "The ticket is used, expired or unknown; get a new one.")
    kind, key = redeemed
    if kind == "token":
        return token_grant(int(key), origin=origin)
    if origin:
        raise foreign_page()
    return session_grant(key)


def _foreign_origin(scope: dict[str, Any], *, is_with_ticket: bool) -> str:
    """Return the origin of a page of another site, "" for our pages and for programs.

    Raises ``Refused`` for a page that no API client allows, before its ticket is used up.
    """
    if not is_our_host(scope):
        raise foreign_page()
    if not names_a_page(scope) or is_our_page(scope):
        return ""
    origin = headers_of(scope)["origin"]
    if not is_with_ticket or not is_of_any_client(origin):
        raise foreign_page()
    return origin


async def count_open_socket(hub: Hub, grant: Grant, *, socket_id: str) -> None:
    """Count the socket among the sockets of its owner. Raises ``Refused`` above the limit."""
    local = sum(connection.grant.owner == grant.owner for connection in hub.everyone)
    is_admitted = local < viewers.MAX_SOCKETS
    with contextlib.suppress(RedisError, OSError):
        is_admitted = is_admitted and await viewers.count_socket(
            hub.redis, tenant_id=grant.tenant.id, owner=grant.owner, socket_id=socket_id
        )
    if not is_admitted:
        raise Refused(
            429, "too_many_sockets", f"You have {viewers.MAX_SOCKETS} sockets open, the maximum; close one first."
        )
