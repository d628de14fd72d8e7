"""The signed export of a copy's declines, which ``verify_export.py`` checks by the public keys of the installation.

An export is an act: it leaves a declination of every line with a decline, once per version of the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from actions.kinds import RecordDeclination
from actions.outbox import enqueue
from actions.registry import Delivered, PermanentFailure
from batch import service as batch
from batch.changes.mutators.events import DECLINES_EXPORTED
from batch.context import BatchContext
from batch.errors import CopyIsDeleted, CopyIsLocked, NotFound
from batch.storage.declinations import write_declination
from encryption.signatures import Signature, canonical, sign
from forms.models import Declination
from presentation.visibility import Reader, Visibility
from quoting.decline_shapes import DeclinationShown, DeclinedBy, DeclinesShape
from quoting.declines import declines_of, shown_records, unrecorded_products
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
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


class RecordsContent(msgspec.Struct, frozen=True, kw_only=True):
    """The signed part of an export of chosen declinations, each with the id of its copy."""

    kind: Literal["declines"] = "declines"
    format: int = FORMAT
    exported_at: datetime
    exported_by: DeclinedBy
    records: list[tuple[str, DeclinationShown]]


class SignedExport(msgspec.Struct, frozen=True, kw_only=True):
    """An export. The signature is of the canonical JSON of ``content`` (names sorted, no spaces)."""

    content: ExportContent
    signature: Signature


def record_export(copy_id: UUID, *, scope: Tenant, actor: Actor) -> None:
    """Record the export of the copy's declines, unless nothing declines or this version has its records.

    The record of a copy that is locked follows as a deferred action. Raises ``NotFound``, ``LockNotAcquired``.
    """
    found = batch.find(copy_id, scope=scope, actor=actor)
    if not unrecorded_products(found):
        return
    try:
        with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
            if unrecorded_products(context):
                context.changeset.events.add(DECLINES_EXPORTED)
                context.save()
    except CopyIsLocked:
        _record_later(found, actor)


def export_records(rows: Sequence[Declination], *, actor: Actor) -> bytes:
    """Return the signed file of stored declinations as ``actor`` may see them, which records nothing."""
    content = RecordsContent(
        exported_at=datetime.now(UTC),
        exported_by=DeclinedBy(actor.type, actor.id, actor.label),
        records=[
            (str(row.copy_id), shown)
            for row, shown in zip(rows, shown_records(rows, Reader.for_actor(actor)), strict=True)
        ],
    )
    return _signed(content)


def _signed(content: ExportContent | RecordsContent) -> bytes:
    signature = sign(canonical(content), purpose=PURPOSE)
    return canonical({"content": content, "signature": signature}) + b"\n"


def _record_later(context: BatchContext, actor: Actor) -> None:
    for product in unrecorded_products(context):
        action = RecordDeclination(
            copy_id=str(context.copy.id),
            product=product,
            version=context.version,
            act=Declination.Act.EXPORTED,
            at=datetime.now(UTC).isoformat(),
            actor_type=actor.type,
            actor_id=actor.id,
            actor_label=actor.label,
        )
        with use_tenant(context.scope):
            enqueue(action, alias=context.scope.database_alias, tenant_id=context.scope.id, copy_id=context.copy.id)


def record_declination(delivered: Delivered) -> None:
    """Write the declination of an act on a copy that accepts no save; idempotent. Raises ``PermanentFailure`` for a
    copy that no longer exists.
    """
    payload = delivered.payload
    try:
        context = batch.find(
            UUID(payload["copy_id"]),
            scope=delivered.tenant,
            actor=system_actor("declinations"),
            version=payload["version"],
            archived=True,
        )
    except (NotFound, CopyIsDeleted) as error:
        raise PermanentFailure("The copy no longer exists.") from error
    changeset, evaluation = context.current_view()
    columns = {name: payload[name] for name in ("act", "actor_type", "actor_id", "actor_label")}
    with use_tenant(delivered.tenant):
        write_declination(
            changeset,
            evaluation,
            payload["product"],
            version=payload["version"],
            columns={**columns, "created_at": datetime.fromisoformat(payload["at"])},
        )


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
    return _signed(content)
