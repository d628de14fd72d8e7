"""One-time tickets: an API client requests one with its token, and opens one socket with it within 30 seconds.

WebSocket clients often cannot send ``Authorization``, and a URL may be logged: so the URL contains a secret that is
valid once and briefly. Redis stores only its hash.
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
    """Use up ``ticket``; return kind and key of its grant, None if it is invalid. Raises ``RedisError``."""
    if len(ticket) > 100 or not ticket.isascii():
        return None
    stored = get_redis_connection("default").getdel(_key(ticket))
    if stored is None:
        return None
    kind, _, key = stored.decode().partition(":")
    return kind, key


def _key(ticket: str) -> str:
    tenant = ticket.partition(".")[0]
    return f"{_PREFIX}:{{{tenant}}}:tickets:{hashlib.sha256(ticket.encode()).hexdigest()}"
