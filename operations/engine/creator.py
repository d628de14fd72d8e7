"""The actors of an operation: its creator, and the people who corrected items, with the rights that they have when a
chunk begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from operations.batch_models import BatchOperation
from operations.errors import CreatorMayNot
from operations.kinds.kind import Kind
from tenants.access import Actor, TokenInUse, system_actor
from tenants.flags import BATCH_OPERATIONS, explain_flag
from tenants.models import ApiClient, Tenant, User
from tenants.tokens import is_revoked


def creator_of(operation: BatchOperation) -> Actor:
    """Return the creator of ``operation`` with their present rights. Raises ``CreatorMayNot`` where they are gone or
    deactivated.
    """
    if operation.created_by_type == "system":
        return system_actor(operation.created_by_id)
    return _present_actor(
        operation.created_by_type,
        operation.created_by_id,
        tenant_id=operation.tenant_id,
        source=operation.source,
        permission=operation.options,
        did="submitted it",
    )


def permission_of(actor: Actor) -> dict[str, Any]:
    """Return what is stored of the permission of ``actor``: the rights, and the token of an API client. What was begun
    stops if that token is revoked; it may outlive its time.
    """
    token = actor.token
    of_token = {} if token is None else {"token": {"id": token.id, "expires_at": token.expires_at.isoformat()}}
    return {"rights": sorted(actor.rights), **of_token}


def stored_sender(actor: Actor) -> dict[str, Any]:
    """Return ``actor`` as the sender of an item is stored."""
    return {"type": actor.type, "id": actor.id, "source": actor.source, **permission_of(actor)}


def sender_of(stored: Mapping[str, Any], *, tenant_id: UUID) -> Actor:
    """Return the ``stored`` sender of a corrected item with their present rights, at most those that they had when they
    sent it. Raises ``CreatorMayNot``.
    """
    if stored["type"] == "system":
        return system_actor(stored["id"])
    return _present_actor(
        stored["type"],
        stored["id"],
        tenant_id=tenant_id,
        source=stored["source"],
        permission=stored,
        did="corrected it",
    )


def _present_actor(  # noqa: PLR0913 - each is named at the call
    kind: str, identity: str, *, tenant_id: UUID, source: Any, permission: Mapping[str, Any], did: str
) -> Actor:  # fmt: skip
    """Return the user or client with their present rights, without those that they lacked then: a token can have fewer
    than its client.
    """
    if kind == "api_client":
        client = ApiClient.objects.filter(pk=identity).first()
        if client is None or client.tenant_id != tenant_id:
            raise CreatorMayNot(f"The API client that {did} no longer exists.")
        if not client.is_active:
            raise CreatorMayNot(f"The API client that {did} was deactivated.")
        token = permission.get("token")
        if token and is_revoked(TokenInUse(int(token["id"]), datetime.fromisoformat(token["expires_at"])), client):
            raise CreatorMayNot(f"The token of the API client that {did} was revoked.")
        actor: Actor = client.as_actor(scopes=client.allowed_scopes)
    else:
        user = User.objects.filter(pk=identity).first()
        if user is None or not user.is_active or user.tenant_id not in (None, tenant_id):
            raise CreatorMayNot(f"The user who {did} no longer has access.")
        actor = user.as_actor(source=source)
    rights = permission.get("rights")
    return actor if rights is None else replace(actor, rights=actor.rights & frozenset(rights))


def require_creator_may(actor: Actor, kind: Kind[Any, Any]) -> None:
    """Raise ``CreatorMayNot`` unless ``actor`` has the right that ``kind`` needs."""
    if not actor.may(kind.right):
        raise CreatorMayNot(f"The right {kind.right.value!r} of the user or API client who submitted it was withdrawn.")


def is_switched_on(actor: Actor, tenant: Tenant) -> bool:
    """Return whether ``actor`` has batch operations now."""
    return bool(explain_flag(BATCH_OPERATIONS, actor=actor, tenant=tenant))
