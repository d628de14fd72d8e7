"""Grants: the permissions by which sockets are open, from a session, a token or a guest's link. They are checked when a
socket opens, and repeatedly while it is open.

The checks query the tables, so they notice every end of a permission: sign-out, revocation, expiry, deactivation, a new
password, role or scope.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from batch.errors import GuestLinkInvalid
from guests.service import access_guest, still_in_force
from partner_engine.company_sessions import overdue_checks
from partner_engine.problems import Refused
from tenants.access import Actor, Right
from tenants.models import Tenant, User, rights_within

#: The right that a socket requires.
REQUIRED_RIGHT: Final = Right.READ_FORMS
#: Contents of sessions that are not decoded again, some hundred bytes each: more than a process has sockets.
_MOST_CONTENTS: Final = 2_048


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The permission to open a socket as ``actor``. ``kind`` is session, token or guest, ``key`` is its id; ``origin``
    is that of a page of another site, which the API client allows.
    """

    kind: str
    key: str
    user_id: str
    actor: Actor
    tenant: Tenant
    origin: str = ""

    @property
    def is_guest(self) -> bool:
        """Return whether it is a guest's, who learns only that somebody saved, and who."""
        return self.kind == "guest"

    @property
    def owner(self) -> str:
        """Return the key by which sockets are counted."""
        return f"{self.actor.type}:{self.actor.id}"


def session_grant(session_key: str) -> Grant:
    """Return the grant of the agent with this session. Raises ``Refused``."""
    session = SessionStore(session_key).load() if session_key else {}
    user = _active_users([session.get(SESSION_KEY, "")]).first()
    if user is None or not user.has_session_hash(session.get(HASH_SESSION_KEY)):
        raise Refused(401, "not_authenticated", "Sign in first.")
    if user.tenant is None:
        raise Refused(403, "permission_denied", "Staff accounts have no tenant; use the admin.")
    if overdue_checks({session_key: (user, session)}):
        raise Refused(401, "not_authenticated", "The session must be checked: load a page first, then connect again.")
    actor = user.as_actor(source="web")
    return _with_right(Grant(kind="session", key=session_key, user_id=str(user.pk), actor=actor, tenant=user.tenant))


def token_grant(token_id: int, *, origin: str = "") -> Grant:
    """Return the grant of the API client with this token, for a page of ``origin`` if it is one of another site.

    Raises ``Refused``, also if the client does not allow the origin.
    """
    token = _tokens([str(token_id)]).first()
    if token is None:
        raise Refused(401, "authentication_failed", "The token is revoked or expired; get a new one at /o/token/.")
    client = token.application
    if origin and not client.allows(origin):
        raise foreign_page()
    actor = client.as_actor(scopes=token.scope.split())
    grant = Grant(kind="token", key=str(token.pk), user_id="", actor=actor, tenant=client.tenant, origin=origin)
    return _with_right(grant)


def foreign_page() -> Refused:
    """Return the refusal of a page of another site."""
    return Refused(403, "foreign_page", "Pages of other sites may not open a socket here.")


def guest_grant(copy_id: UUID, session: str) -> Grant:
    """Return the grant of the guest with this session on the copy. Raises ``Refused``."""
    try:
        guest = access_guest(copy_id, session)
    except GuestLinkInvalid as error:
        raise Refused(401, "not_authenticated", str(error)) from error
    return _with_right(Grant(kind="guest", key=str(guest.link_id), user_id="", actor=guest.actor, tenant=guest.tenant))


def guest_grants_in_force(tenant: Tenant, grants: Collection[Grant]) -> set[tuple[str, str]]:
    """Return kind and key of the guest grants that are still valid, with one query of the tenant's database."""
    in_force = still_in_force(tenant, {UUID(grant.key) for grant in grants})
    return {("guest", str(link_id)) for link_id in in_force}


def grants_in_force(grants: Collection[Grant], *, with_overdue: bool = False) -> set[tuple[str, str]]:
    """Return kind and key of the session and token grants that are still valid, in a constant number of queries.

    A grant whose tenant, rights or allowed origin changed is revoked; the client must reconnect. So is a session whose
    check at its company is overdue, except ``with_overdue``.
    """
    current = _sessions_now([grant for grant in grants if grant.kind == "session"], with_overdue=with_overdue)
    current |= _tokens_now([grant for grant in grants if grant.kind == "token"])
    ended = {
        (grant.kind, grant.key)
        for grant in grants
        if current.get((grant.kind, grant.key)) != (grant.tenant.id, grant.actor.rights)
    }
    return {(grant.kind, grant.key) for grant in grants} - ended


#: Kind and key of a grant -> its current tenant and rights.
_Current: TypeAlias = dict[tuple[str, str], tuple[UUID | None, frozenset[Right]]]


def _sessions_now(grants: Collection[Grant], *, with_overdue: bool) -> _Current:
    if not grants:
        return {}
    keys = {grant.key for grant in grants}
    # Only what a grant depends on: these queries are repeated as long as sockets are open.
    known = User.objects.filter(pk__in={grant.user_id for grant in grants}, is_active=True).order_by()
    users = {str(user.pk): user for user in known.only("tenant_id", "role", "password", "session_generation")}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    valid: dict[str, tuple[User, Mapping[str, Any]]] = {}
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    for session in sessions.only("session_data"):
        data = _content(session.session_data, secrets)
        user = users.get(data.get(SESSION_KEY, ""))
        if user is not None and user.has_session_hash(data.get(HASH_SESSION_KEY)):
            valid[session.session_key] = (user, data)
    overdue = set() if with_overdue else overdue_checks(valid)
    return {("session", key): (user.tenant_id, user.rights) for key, (user, _) in valid.items() if key not in overdue}


@lru_cache(maxsize=_MOST_CONTENTS)
def _content(session_data: str, secrets: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the content of a session's row, signed by one of ``secrets``. It depends on nothing else, and the rows of
    open sockets are read twice a second.
    """
    content: dict[str, Any] = Session(session_data=session_data).get_decoded()
    return content


def _tokens_now(grants: Collection[Grant]) -> _Current:
    if not grants:
        return {}
    current: _Current = {}
    origins: dict[str, set[str]] = {grant.key: set() for grant in grants}
    for grant in grants:
        if grant.origin:
            origins[grant.key].add(grant.origin)
    # Only what a grant depends on: this query is repeated as long as sockets are open.
    columns = ("pk", "scope", "application__tenant_id", "application__allowed_scopes", "application__allowed_origins")
    # Most clients have the same rights.
    rights = cache(rights_within)
    for token_id, scope, tenant_id, allowed_scopes, allowed_origins in _tokens(origins).values_list(*columns):
        if origins[str(token_id)] <= set(allowed_origins.split()):
            granted = rights(tuple(scope.split()), tuple(allowed_scopes))
            current["token", str(token_id)] = (tenant_id, granted)
    return current


def _tokens(ids: Collection[str]):  # type: ignore[no-untyped-def]  # the token's model is untyped
    tokens = get_access_token_model().objects.select_related("application__tenant")
    return tokens.filter(pk__in=ids, expires__gt=timezone.now(), application__is_active=True)


def _active_users(ids: Collection[str]) -> QuerySet[User]:
    return User.objects.select_related("tenant").filter(pk__in=[id_ for id_ in ids if id_], is_active=True)


def _with_right(grant: Grant) -> Grant:
    if not grant.actor.may(REQUIRED_RIGHT):
        raise Refused(403, "permission_denied", f"This needs the right {REQUIRED_RIGHT.value!r}.")
    return grant
