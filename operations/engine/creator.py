"""The actors of an operation: its creator, and those who corrected items, with the rights that they have when a chunk
begins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from operations.batch_models import BatchOperation
from operations.errors import CreatorMayNot
from operations.kinds.kind import Kind
from tenants.access import Actor, system_actor
from tenants.flags import BATCH_OPERATIONS, explain_flag
from tenants.models import ApiClient, Tenant, User


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
        rights=operation.options.get("rights"),
        did="submitted it",
    )


def stored_sender(actor: Actor) -> dict[str, Any]:
    """Return ``actor`` as the sender of an item is stored."""
    return {"type": actor.type, "id": actor.id, "source": actor.source, "rights": sorted(actor.rights)}


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
        rights=stored["rights"],
        did="corrected it",
    )


def _present_actor(  # noqa: PLR0913 - each is named at the call
    kind: str, identity: str, *, tenant_id: UUID, source: Any, rights: Collection[str] | None, did: str
) -> Actor:
    """Return the user or client with their present rights, without those that they lacked then: a token can have fewer
    than its client.
    """
    if kind == "api_client":
        client = ApiClient.objects.filter(pk=identity).first()
        if client is None or client.tenant_id != tenant_id:
            raise CreatorMayNot(f"The API client that {did} no longer exists.")
        actor: Actor = client.as_actor(scopes=client.allowed_scopes)
    else:
        user = User.objects.filter(pk=identity).first()
        if user is None or not user.is_active or user.tenant_id not in (None, tenant_id):
            raise CreatorMayNot(f"The user who {did} no longer has access.")
        actor = user.as_actor(source=source)
    return actor if rights is None else replace(actor, rights=actor.rights & frozenset(rights))


def require_creator_may(actor: Actor, kind: Kind[Any, Any]) -> None:
    """Raise ``CreatorMayNot`` unless ``actor`` has the right that ``kind`` needs."""
    if not actor.may(kind.right):
        raise CreatorMayNot(f"The right {kind.right.value!r} of the user or API client who submitted it was withdrawn.")


def is_switched_on(actor: Actor, tenant: Tenant) -> bool:
    """Return whether ``actor`` has batch operations now."""
    return bool(explain_flag(BATCH_OPERATIONS, actor=actor, tenant=tenant))
