"""Servers with sabotaged sockets, each with one defect: a test that does not detect it proves nothing. And
one whose sockets are only harder to keep up with: there every test has to pass.

``sabotaged_application`` makes each an application of its own for ``serve``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django_redis import get_redis_connection

from partner_engine import socket_tickets
from partner_engine.live import grants, handshake, keepalive
from partner_engine.live.hub import Hub
from partner_engine.live.transport import mailbox


def any_origin() -> None:
    """Let pages of every origin open a socket with the cookies of their visitor."""
    handshake.is_our_page = lambda scope: True


def kept_tickets() -> None:
    """Leave a ticket valid after its use."""

    def redeem(ticket: str) -> tuple[str, str] | None:
        found = get_redis_connection("default").get(socket_tickets._key(ticket))
        kind, _, key = found.decode().partition(":") if found else ("", "", "")
        return (kind, key) if kind else None

    socket_tickets.redeem = redeem


def every_right() -> None:
    """Let every authenticated caller in, with or without the right to listen."""
    grants._with_right = lambda grant: grant


def blind_watch() -> None:
    """Never check the grants of open sockets again."""

    async def look_away(hub: Hub) -> None: ...

    keepalive._check_rights = look_away


def small_mailboxes() -> None:
    """Limit mailboxes to ten frames: a slow reader soon gets a resync."""
    mailbox.CAPACITY = 10  # type: ignore[misc]  # that it is final


def slow_watch() -> None:
    """Check the grants of open sockets too rarely."""
    keepalive.CHECK_SECONDS = 10.0  # type: ignore[misc]  # that it is final


SABOTAGES: Final[dict[str, Callable[[], None]]] = {
    sabotage.__name__: sabotage for sabotage in (any_origin, kept_tickets, every_right, blind_watch, slow_watch)
}


#: Every variant, for better or for worse.
VARIANTS: Final = SABOTAGES | {small_mailboxes.__name__: small_mailboxes}


def application_with(name: str) -> str:
    """Return the name of the application with the change ``name``, for ``serve``."""
    return f"{__name__.rpartition('.')[0]}.sabotaged_application:application_{name}"
