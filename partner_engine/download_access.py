"""The permission by which a download runs, checked again while it runs: a file of 100,000 rows takes minutes.

A download ends when its permission does: by a revoked token, a sign-out, a new password, a deactivated user or API
client, or a right that was withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from tenants.access import Actor
from tenants.models import ApiClient, Tenant, User
from tenants.tokens import is_revoked

#: The last line of a file that was stopped, so that nobody takes it for the whole one.
WITHDRAWN: Final = "The download was stopped: your access was withdrawn. The file is not complete."


@dataclass(frozen=True, kw_only=True)
class DownloadAccess:
    """The permission of ``actor`` at ``tenant``, from a session or a token."""

    actor: Actor
    tenant: Tenant
    session_key: str = ""

    @classmethod
    def of_request(cls, request: HttpRequest, *, actor: Actor, tenant: Tenant) -> DownloadAccess:
        """Return the permission by which ``request`` came."""
        key = "" if actor.type == "api_client" else request.session.session_key or ""
        return cls(actor=actor, tenant=tenant, session_key=key)

    def is_in_force(self) -> bool:
        """Return whether the caller still has access with all rights of the beginning, in one or two queries."""
        present = self._of_client() if self.actor.type == "api_client" else self._of_user()
        return present is not None and self.actor.rights <= present.rights

    def _of_client(self) -> Actor | None:
        client = ApiClient.objects.filter(pk=self.actor.id, tenant=self.tenant, is_active=True).first()
        if client is None:
            return None
        if self.actor.token is not None and is_revoked(self.actor.token, client):
            return None
        return client.as_actor(scopes=client.allowed_scopes)

    def _of_user(self) -> Actor | None:
        user = User.objects.filter(pk=self.actor.id, tenant=self.tenant, is_active=True).first()
        if user is None or (self.session_key and not _is_signed_in(user, self.session_key)):
            return None
        return user.as_actor(source=self.actor.source)


def _is_signed_in(user: User, session_key: str) -> bool:
    session = Session.objects.filter(session_key=session_key, expire_date__gt=timezone.now()).first()
    data = session.get_decoded() if session is not None else {}
    if data.get(SESSION_KEY) != str(user.pk):
        return False
    return user.has_session_hash(data.get(HASH_SESSION_KEY))
