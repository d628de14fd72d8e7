"""The sessions of a user: noted at the sign-in, listed, and ended one by one or all but one.

A session that was ended is gone from the database and the cache, so its next request is signed out, and its sockets
close with the next check of their grants.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from partner_engine.client_addresses import client_address
from tenants.models import User, UserSession

#: The marks in a browser's own words, the first that is contained counts.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSession:
    """One session in the list. ``key`` names it without being its secret; ``started_at`` is None if it is unknown."""

    key: str
    browser: str
    address: str
    started_at: datetime | None
    is_current: bool


def note_session(request: HttpRequest, user: User) -> None:
    """Note the session of ``request``, in which ``user`` has just signed in."""
    key = request.session.session_key
    if key:
        UserSession.objects.update_or_create(
            session_key=key,
            defaults={
                "user": user,
                "started_at": timezone.now(),
                "address": client_address(request)[:64],
                "user_agent": request.headers.get("User-Agent", "").replace("\0", "")[:200],
            },
        )


def list_sessions(request: HttpRequest, user: User) -> list[ShownSession]:
    """Return the valid sessions of ``user``, that of ``request`` first."""
    current = request.session.session_key
    rows = {row.session_key: row for row in UserSession.objects.filter(user=user)}
    valid = Session.objects.filter(session_key__in=list(rows), expire_date__gt=timezone.now())
    keys = set(valid.values_list("session_key", flat=True))
    shown = [_shown(row, is_current=key == current) for key, row in rows.items() if key in keys]
    if current not in keys:
        # It began before sessions were noted.
        browser = browser_name(request.headers.get("User-Agent", ""))
        shown.append(
            ShownSession(key="", browser=browser, address=client_address(request), started_at=None, is_current=True)
        )
    return sorted(shown, key=lambda session: not session.is_current)


def end_session(user: User, key: str) -> bool:
    """End the session of ``user`` that ``list_sessions`` named ``key``; return whether there was one."""
    for row in UserSession.objects.filter(user=user):
        if key and _public_key(row) == key:
            _end([row.session_key])
            log.info("audit.session_ended", user_id=str(user.pk))
            return True
    return False


def end_other_sessions(request: HttpRequest, user: User) -> int:
    """End all sessions of ``user`` but that of ``request``; return how many were noted."""
    others = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key or "")
    return _end(list(others.values_list("session_key", flat=True)))


def browser_name(words: str) -> str:
    """Return ``Firefox on Linux`` for a browser's own words."""
    browser = next((name for mark, name in _BROWSERS if mark in words), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in words), "")
    return f"{browser} on {system}" if system else browser


def _end(keys: list[str]) -> int:
    for key in keys:
        SessionStore(key).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


def _public_key(row: UserSession) -> str:
    """Return a name of the session for the page; the key itself would let its reader in."""
    return hashlib.sha256(row.session_key.encode()).hexdigest()


def _shown(row: UserSession, *, is_current: bool) -> ShownSession:
    return ShownSession(
        key=_public_key(row),
        browser=browser_name(row.user_agent),
        address=row.address,
        started_at=row.started_at,
        is_current=is_current,
    )
