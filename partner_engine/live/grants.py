"""By which right a socket is open: a session or a token. Asked when it opens, and again and again while it is open.

Asking the tables finds every way in which a right can end: sign-out, revocation, expiry, deactivation, another
password, another role or scope, whoever did it by whatever door.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from oauth2_provider.models import get_access_token_model

from batch.errors import GuestLinkInvalid
from guests.service import access_guest, still_in_force
from partner_engine.problems import Refused
from tenants.access import Actor, Right
from tenants.models import Tenant, User

#: Which right it takes to listen.
NEEDED: Final = Right.READ_FORMS


@dataclass(frozen=True, kw_only=True)
class Grant:
    """``kind`` is session, token or guest, ``key`` what it is found by; who has it acts as ``actor`` for ``tenant``."""

    kind: str
    key: str
    user_id: str
    actor: Actor
    tenant: Tenant

    @property
    def is_guest(self) -> bool:
        """Tell whether it is a guest's, who hears only that something was saved and by whom."""
        return self.kind == "guest"

    @property
    def owner(self) -> str:
        """Return whose sockets are counted together."""
        return f"{self.actor.type}:{self.actor.id}"


def by_session(session_key: str) -> Grant:
    """Return the grant of the agent who is signed in by this session. Raises ``Refused``."""
    session = SessionStore(session_key).load() if session_key else {}
    user = _active_users([session.get(SESSION_KEY, "")]).first()
    if user is None or not _is_same_password(user, session.get(HASH_SESSION_KEY)):
        raise Refused(401, "not_authenticated", "Sign in first.")
    if user.tenant is None:
        raise Refused(403, "permission_denied", "Staff belong to no tenant: use the admin.")
    actor = user.as_actor(source="web")
    return _allowed(Grant(kind="session", key=session_key, user_id=str(user.pk), actor=actor, tenant=user.tenant))


def by_token(token_id: int) -> Grant:
    """Return the grant of the API client whose token has this id. Raises ``Refused``."""
    token = _tokens([str(token_id)]).first()
    if token is None:
        raise Refused(401, "authentication_failed", "The token is revoked or expired; get a new one at /o/token/.")
    client = token.application
    actor = client.as_actor(scopes=token.scope.split())
    return _allowed(Grant(kind="token", key=str(token.pk), user_id="", actor=actor, tenant=client.tenant))


def by_guest(copy_id: UUID, session: str) -> Grant:
    """Return the grant of the guest whose session at this copy it is. Raises ``Refused``."""
    try:
        guest = access_guest(copy_id, session)
    except GuestLinkInvalid as error:
        raise Refused(401, "not_authenticated", str(error)) from error
    return _allowed(Grant(kind="guest", key=str(guest.link_id), user_id="", actor=guest.actor, tenant=guest.tenant))


def guests_still_good(tenant: Tenant, grants: Collection[Grant]) -> set[tuple[str, str]]:
    """Return kind and key of those grants of the tenant's guests that hold now, in one query of its database."""
    in_force = still_in_force(tenant, {UUID(grant.key) for grant in grants})
    return {("guest", str(link_id)) for link_id in in_force}


def still_good(grants: Collection[Grant]) -> set[tuple[str, str]]:
    """Return kind and key of those grants of sessions and tokens that hold now, in a constant number of queries.

    One whose tenant or rights are others by now holds no more: whoever has it comes anew, and gets what is theirs now.
    """
    standing = _sessions_now([grant for grant in grants if grant.kind == "session"])
    standing |= _tokens_now([grant for grant in grants if grant.kind == "token"])
    ended = {
        (grant.kind, grant.key)
        for grant in grants
        if standing.get((grant.kind, grant.key)) != (grant.tenant.id, grant.actor.rights)
    }
    return {(grant.kind, grant.key) for grant in grants} - ended


#: Kind and key of a grant, with the tenant and the rights that it gives now.
_Standing: TypeAlias = dict[tuple[str, str], tuple[UUID | None, frozenset[Right]]]


def _sessions_now(grants: Collection[Grant]) -> _Standing:
    if not grants:
        return {}
    keys = {grant.key for grant in grants}
    users = {str(user.pk): user for user in _active_users({grant.user_id for grant in grants})}
    standing: _Standing = {}
    for session in Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()):
        data = session.get_decoded()
        user = users.get(data.get(SESSION_KEY, ""))
        if user is not None and _is_same_password(user, data.get(HASH_SESSION_KEY)):
            standing["session", session.session_key] = (user.tenant_id, user.rights)
    return standing


def _tokens_now(grants: Collection[Grant]) -> _Standing:
    if not grants:
        return {}
    return {
        ("token", str(token.pk)): (
            token.application.tenant_id,
            token.application.as_actor(scopes=token.scope.split()).rights,
        )
        for token in _tokens({grant.key for grant in grants})
    }


def _tokens(ids: Collection[str]):  # type: ignore[no-untyped-def]  # the token's model is untyped
    tokens = get_access_token_model().objects.select_related("application__tenant")
    return tokens.filter(pk__in=ids, expires__gt=timezone.now(), application__isnull=False)


def _active_users(ids: Collection[str]) -> QuerySet[User]:
    return User.objects.select_related("tenant").filter(pk__in=[known for known in ids if known], is_active=True)


def _is_same_password(user: User, told: str | None) -> bool:
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(told or "", known) for known in hashes)


def _allowed(grant: Grant) -> Grant:
    if not grant.actor.may(NEEDED):
        raise Refused(403, "permission_denied", f"This needs the right {NEEDED.value!r}.")
    return grant
