"""The signed export of a copy's declines, which ``verify_export.py`` checks by the public keys of the installation.

An export is an act: it leaves a declination of every line with a decline, once per version of the copy.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from batch import service as batch
from batch.changes.mutators.events import DECLINES_EXPORTED
from batch.context import BatchContext
from batch.errors import CopyIsDeleted, CopyIsLocked
from encryption.signatures import Signature, canonical, sign
from presentation.visibility import Visibility
from quoting.declines import DeclinedBy, DeclinesShape, declines_of, has_unrecorded_declines
from tenants.access import Actor
from tenants.models import Tenant

#: What the signature is valid for.
PURPOSE: Final = "declines"
FORMAT: Final = 1


class ExportContent(msgspec.Struct, frozen=True, kw_only=True):
    """The signed part: the declines as ``exported_by`` saw them at ``exported_at``."""

    kind: Literal["declines"] = "declines"
    format: int = FORMAT
    tenant: str
    exported_at: datetime
    exported_by: DeclinedBy
    declines: DeclinesShape


class SignedExport(msgspec.Struct, frozen=True, kw_only=True):
    """An export. The signature is of the canonical JSON of ``content`` (names sorted, no spaces)."""

    content: ExportContent
    signature: Signature


def record_export(copy_id: UUID, *, scope: Tenant, actor: Actor) -> None:
    """Record the export of the copy's declines, unless nothing declines or this version has its records.

    A copy that is locked keeps the records that its acts have left. Raises ``NotFound``, ``LockNotAcquired``.
    """
    if not has_unrecorded_declines(batch.find(copy_id, scope=scope, actor=actor)):
        return
    try:
        with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
            if has_unrecorded_declines(context):
                context.changeset.events.add(DECLINES_EXPORTED)
                context.save()
    except (CopyIsLocked, CopyIsDeleted):
        return


def export_declines(
    copy_id: UUID, *, scope: Tenant, actor: Actor, visibility_of: Callable[[BatchContext], Visibility]
) -> bytes:  # fmt: skip
    """Record the export and return the signed file, as ``actor`` may see it. Raises as ``record_export``."""
    record_export(copy_id, scope=scope, actor=actor)
    context = batch.find(copy_id, scope=scope, actor=actor)
    content = ExportContent(
        tenant=scope.code,
        exported_at=datetime.now(UTC),
        exported_by=DeclinedBy(actor.type, actor.id, actor.label),
        declines=declines_of(context, visibility_of(context)),
    )
    return canonical(SignedExport(content=content, signature=sign(canonical(content), purpose=PURPOSE))) + b"\n"
