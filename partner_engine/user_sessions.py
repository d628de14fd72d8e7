"""The sessions of a user: begun and noted at the sign-in, listed, and ended one by one or all but one.

A session that was ended is gone from the database and the cache, so its next request is signed out, and its sockets
close with the next check of their grants. To end several, a new generation of the user's sessions begins, which holds
without the cache too: also one that is signed out while the cache is away takes all others with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django_redis.exceptions import ConnectionInterrupted

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


def begin_session(request: HttpRequest, user: User) -> None:
    """Set the end of the session of ``request``, in which ``user`` has just signed in, and note the session.

    Without a fixed end each change of what the session holds would extend it.
    """
    request.session.set_expiry(timedelta(seconds=settings.SESSION_COOKIE_AGE))
    if not request.session.session_key:
        # Somebody else was signed in in this browser: the sign-in has emptied that session, and the new one has no key.
        request.session.save()
    UserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "started_at": timezone.now(),
            "address": client_address(request)[:64],
            "user_agent": request.headers.get("User-Agent", "").replace("\0", "")[:200],
        },
    )


def sessions_of(user: User, *, current: str | None = None) -> list[ShownSession]:
    """Return the valid noted sessions of ``user``; ``current`` is the key of the one at hand."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user=user)}
    valid = Session.objects.filter(session_key__in=list(rows), expire_date__gt=timezone.now())
    keys = set(valid.values_list("session_key", flat=True))
    return [_shown(row, is_current=key == current) for key, row in rows.items() if key in keys]


def list_sessions(request: HttpRequest, user: User) -> list[ShownSession]:
    """Return the valid sessions of ``user``, that of ``request`` first."""
    shown = sessions_of(user, current=request.session.session_key)
    if not any(session.is_current for session in shown):
        # It began before sessions were noted.
        browser = browser_name(request.headers.get("User-Agent", ""))
        shown.append(
            ShownSession(key="", browser=browser, address=client_address(request), started_at=None, is_current=True)
        )
    return sorted(shown, key=lambda session: not session.is_current)


def end_session(request: HttpRequest, user: User, key: str) -> bool:
    """End the session of ``user`` that ``list_sessions`` named ``key``; return whether all others ended with it.

    They do while the cache is unavailable, from where the session would return.
    """
    if _end_named(user, key):
        return False
    end_other_sessions(request, user)
    return True


def end_one_session(user: User, key: str) -> None:
    """End the session of another ``user`` that ``sessions_of`` named ``key``; without the cache all of them."""
    if not _end_named(user, key):
        end_all_sessions(user)


def _end_named(user: User, key: str) -> bool:
    """End the session; return whether that is certain, also because there is no such session."""
    for row in UserSession.objects.filter(user=user):
        if key and _public_key(row) == key:
            log.info("audit.session_ended", user_id=str(user.pk))
            return _end([row.session_key])
    return True


def end_other_sessions(request: HttpRequest, user: User) -> None:
    """End all sessions of ``user`` but that of ``request``."""
    user.refuse_older_sessions()
    keep_only_this_session(request, user)


def keep_only_this_session(request: HttpRequest, user: User) -> None:
    """Keep the session of ``request`` after a change that refuses the sessions of ``user``, and delete the others."""
    before = request.session.session_key
    # The session gets a new key, so it goes on with the row of the earlier one.
    update_session_auth_hash(request, user)
    current = request.session.session_key or ""
    UserSession.objects.filter(session_key=before).update(session_key=current)
    others = UserSession.objects.filter(user=user).exclude(session_key=current)
    _end(list(others.values_list("session_key", flat=True)))


def end_all_sessions(user: User) -> None:
    """End all sessions of ``user``."""
    user.refuse_older_sessions()
    _end(list(UserSession.objects.filter(user=user).values_list("session_key", flat=True)))


def forget_session(request: HttpRequest) -> None:
    """End the session of ``request``, which is being signed out, for good.

    Without the cache it could return from there with its cookie, so then all sessions of the user end.
    """
    key, user = request.session.session_key, request.user
    if key and not _end([key]) and isinstance(user, User):
        log.warning("audit.all_sessions_ended", user_id=str(user.pk), reason="signed out without the cache")
        user.refuse_older_sessions()


def ended_sessions() -> QuerySet[UserSession]:
    """Return the notes of sessions that have expired or ended, of all tenants and of staff."""
    valid = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=Now())
    return UserSession.objects.filter(~Exists(valid))


def expired_sessions() -> QuerySet[Session]:
    """Return the expired sessions themselves, of all tenants and of staff."""
    return Session.objects.filter(expire_date__lte=Now())


def browser_name(words: str) -> str:
    """Return ``Firefox on Linux`` for a browser's own words."""
    browser = next((name for mark, name in _BROWSERS if mark in words), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in words), "")
    return f"{browser} on {system}" if system else browser


def _end(keys: list[str]) -> bool:
    """Delete the sessions; return whether the cache has confirmed it."""
    stores = [SessionStore(key) for key in keys]
    for store in stores:
        store.delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    try:
        # The cache itself conceals its errors.
        cache = caches[settings.SESSION_CACHE_ALIAS]
        cache.client.delete_many([store.cache_key for store in stores])  # type: ignore[attr-defined]  # of django-redis
    except ConnectionInterrupted:
        return False
    return True


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
