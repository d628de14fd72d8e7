"""Tickets: by one an API client opens one socket, within 30 seconds of asking for it with its token.

A browser or library that opens a socket can often send no ``Authorization``, and an address may be logged: so what
stands in the address is good once and for a moment. Redis keeps only its hash.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final
from uuid import UUID

from django_redis import get_redis_connection

SECONDS: Final = 30
_PREFIX: Final = "partner_engine.live"


def issue(*, tenant_id: UUID, kind: str, key: str) -> str:
    """Return a new ticket for the grant of this kind and key. Raises ``RedisError``."""
    ticket = f"{tenant_id.hex}.{secrets.token_urlsafe(24)}"
    get_redis_connection("default").set(_key(ticket), f"{kind}:{key}", ex=SECONDS)
    return ticket


def redeem(ticket: str) -> tuple[str, str] | None:
    """Use ``ticket`` up; return kind and key of its grant, None where it is not good. Raises ``RedisError``."""
    if len(ticket) > 100 or not ticket.isascii():
        return None
    found = get_redis_connection("default").getdel(_key(ticket))
    if found is None:
        return None
    kind, _, key = found.decode().partition(":")
    return kind, key


def _key(ticket: str) -> str:
    tenant = ticket.partition(".")[0]
    return f"{_PREFIX}:{{{tenant}}}:tickets:{hashlib.sha256(ticket.encode()).hexdigest()}"
