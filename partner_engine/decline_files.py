"""Signed exports of declines as files, for the API and the pages."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from batch.context import BatchContext
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from presentation.visibility import Visibility
from quoting.decline_exports import export_declines
from tenants.access import Actor
from tenants.models import Tenant

#: The headers of a file with personal data, which no cache may store.
FILE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="declines.json"',
    "Vary": "Authorization, Cookie",
}


def exported_declines(copy_id: UUID, *, tenant: Tenant, actor: Actor) -> bytes:
    """Record the export of a copy's declines and return the signed file, as ``actor`` may see it.

    Raises ``NotFound``, ``LockNotAcquired``.
    """
    policies: list[Visibility] = []

    def policy(context: BatchContext) -> Visibility:
        policies.append(visibility_of(context, actor=actor))
        return policies[-1]

    content = export_declines(copy_id, scope=tenant, actor=actor, visibility_of=policy)
    note_personal_read(actor=actor, copy_id=copy_id, count=sum(each.personal_shown for each in policies))
    return content
