"""The kind that gives copies to another user of the tenant."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import msgspec

from batch.context import BatchContext
from operations.kinds.copy_kind import CopyItem, CopyKind, Done
from operations.kinds.kind import Refusal, Work
from operations.kinds.traces import OwnerChange
from tenants.access import Actor
from tenants.models import Tenant
from tenants.selectors import find_colleague


class OwnerArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The id of the user who becomes the owner, null for nobody."""

    owner_id: UUID | None


class TransferOwner(CopyKind[CopyItem, OwnerArguments]):
    """Changes the owner."""

    code: ClassVar[str] = "transfer_owner"
    title: ClassVar[str] = "Transfer to another owner"
    description: ClassVar[str] = "Makes another user of the tenant the owner of copies, or leaves them without one."
    arguments_type = OwnerArguments
    takes_bound: ClassVar[bool] = True

    def refuse_arguments(self, arguments: OwnerArguments, *, tenant: Tenant, actor: Actor) -> Refusal | None:
        """Return a refusal for an owner who is no active user of the tenant."""
        if arguments.owner_id is None or find_colleague(str(arguments.owner_id), tenant=tenant) is not None:
            return None
        text = "Your organization has no active user with this id."
        detail = {"pointer": "/arguments/owner_id", "code": "unknown_user", "detail": text}
        return Refusal(code="unknown_user", detail=text, errors=(detail,))

    def change(self, context: BatchContext, item: CopyItem, work: Work[OwnerArguments]) -> Done:
        """Set the owner."""
        before, after = context.copy.fields.owner_id, work.arguments.owner_id
        context.changeset.copy.own(after)
        return Done(owner=OwnerChange(before, after) if before != after else None)
