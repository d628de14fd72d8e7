"""The actor of an operation: its creator, with the rights that they have when a chunk begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

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
    kind, identity = operation.created_by_type, operation.created_by_id
    if kind == "system":
        return system_actor(identity)
    if kind == "api_client":
        client = ApiClient.objects.filter(pk=identity).first()
        if client is None or client.tenant_id != operation.tenant_id:
            raise CreatorMayNot("The API client that submitted it no longer exists.")
        if not client.is_active:
            raise CreatorMayNot("The API client that submitted it was deactivated.")
        token = _token_of(operation)
        if token is not None and is_revoked(token):
            raise CreatorMayNot("The token with which it was submitted was revoked.")
        return _limited(client.as_actor(scopes=client.allowed_scopes), operation)
    user = User.objects.filter(pk=identity).first()
    if user is None or not user.is_active or user.tenant_id not in (None, operation.tenant_id):
        raise CreatorMayNot("The user who submitted it no longer has access.")
    return _limited(user.as_actor(source=operation.source), operation)


def token_of(actor: Actor) -> dict[str, Any]:
    """Return what an operation of ``actor`` remembers of its token, empty without one."""
    token = actor.token
    return {} if token is None else {"token": {"id": token.id, "expires_at": token.expires_at.isoformat()}}


def _token_of(operation: BatchOperation) -> TokenInUse | None:
    stored = operation.options.get("token")
    return stored and TokenInUse(int(stored["id"]), datetime.fromisoformat(stored["expires_at"]))


def _limited(actor: Actor, operation: BatchOperation) -> Actor:
    """Return ``actor`` without rights that it lacked at the submission: a token can have fewer than its client."""
    submitted = operation.options.get("rights")
    return actor if submitted is None else replace(actor, rights=actor.rights & frozenset(submitted))


def require_creator_may(actor: Actor, kind: Kind[Any, Any]) -> None:
    """Raise ``CreatorMayNot`` unless ``actor`` has the right that ``kind`` needs."""
    if not actor.may(kind.right):
        raise CreatorMayNot(f"The right {kind.right.value!r} of the user or API client who submitted it was withdrawn.")


def is_switched_on(actor: Actor, tenant: Tenant) -> bool:
    """Return whether ``actor`` has batch operations now."""
    return bool(explain_flag(BATCH_OPERATIONS, actor=actor, tenant=tenant))
