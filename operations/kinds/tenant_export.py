"""The kind that exports what happened to copies, each version once, and the lines of its file.

A version is the event: it has a number per copy, its time, author, cause and changes. A receipt per copy says up to
which version exports have come, in the transaction that ends the item. So the files of all exports together have each
version once, also after a crash and with two exports at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
from django.db import connections, transaction

from batch import service as batch
from batch.context import BatchContext
from copies.history import list_revisions
from operations.batch_models import ExportReceipt
from operations.export.content import line, of_version, strictest_visibility
from operations.kinds.copy_kind import CopyItem
from operations.kinds.kind import CHANGED, UNCHANGED, ItemEnd, Work
from operations.kinds.reading_kind import ReadingKind
from operations.models import ItemState, OperationItem
from presentation.visibility import Reader
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: Notes the versions that are exported now; returns no row for a copy without newer ones.
_TAKE: Final = f"""INSERT INTO {ExportReceipt._meta.db_table} AS r
       (copy_id, tenant_id, application_form_id, previous, version, operation_id, exported_at)
SELECT g.copy_id, %(tenant)s, g.form_id, 0, g.version, %(operation)s, clock_timestamp()
  FROM unnest(%(copies)s::uuid[], %(forms)s::uuid[], %(versions)s::int[]) AS g (copy_id, form_id, version)
 ORDER BY g.copy_id
    ON CONFLICT (copy_id) DO UPDATE
   SET previous = r.version, version = EXCLUDED.version, operation_id = EXCLUDED.operation_id,
       exported_at = EXCLUDED.exported_at
 WHERE r.version < EXCLUDED.version AND r.tenant_id = EXCLUDED.tenant_id
RETURNING r.copy_id, r.previous"""  # noqa: S608 - the name of our own table


class EventsArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether all versions are exported (``from_start``), whatever earlier exports took; receipts stay as they are."""

    from_start: bool = False


class TenantExport(ReadingKind[EventsArguments]):
    """Exports the versions of copies."""

    code: ClassVar[str] = "tenant_export"
    title: ClassVar[str] = "Export what has changed"
    description: ClassVar[str] = (
        "Makes a file of what happened to the copies since the last such export: each version once, with its changes. "
        "It shows what the person who downloads it may see."
    )
    #: What is exported once is left out the next time, so a mere reader may not take it.
    right: ClassVar[Right] = Right.WRITE_FORMS
    arguments_type = EventsArguments

    def read(self, context: BatchContext, work: Work[EventsArguments]) -> dict[str, Any]:
        """Return the versions of a copy that no export has taken."""
        return {"first": 1, "last": context.version}

    def run(self, items: Sequence[tuple[OperationItem, CopyItem]], work: Work[EventsArguments]) -> list[ItemEnd]:
        """Take the new versions of a chunk's copies; see ``Kind.run``."""
        ends = super().run(items, work)
        if work.arguments.from_start:
            return ends
        open_ends = {end.copy_id: end for end in ends if end.refusal is None and end.copy_id is not None}
        if work.is_dry_run:
            with use_tenant(work.tenant):
                known = dict(ExportReceipt.objects.filter(copy_id__in=open_ends).values_list("copy_id", "version"))
            found = {key: known.get(key, 0) for key, end in open_ends.items() if known.get(key, 0) < _last(end)}
            return [_end(end, found) for end in ends]
        with _in_one_transaction(work.tenant):
            found = _take(open_ends, work)
            ends = [_end(end, found) for end in ends]
            taken = [end for end in ends if end.outcome == CHANGED and end.refusal is None]
            if taken:
                work.record(taken)
        return ends


def _in_one_transaction(tenant: Tenant) -> AbstractContextManager[Any]:
    return transaction.atomic(using=tenant.database_alias)


def _take(ends: Mapping[UUID, ItemEnd], work: Work[EventsArguments]) -> dict[UUID, int]:
    """Store the receipts; return the version before the first new one of each copy that has any."""
    parameters: dict[str, Any] = {
        "tenant": work.tenant.id,
        "operation": work.operation_id,
        "copies": list(ends),
        "forms": [end.application_form_id for end in ends.values()],
        "versions": [_last(end) for end in ends.values()],
    }
    with use_tenant(work.tenant), connections[work.tenant.database_alias].cursor() as cursor:
        cursor.execute(_TAKE, parameters)
        return dict(cursor.fetchall())


def _last(end: ItemEnd) -> int:
    return end.version_after or 0


def _end(end: ItemEnd, found: Mapping[UUID, int]) -> ItemEnd:
    if end.refusal is not None or end.copy_id is None:
        return end
    if end.copy_id not in found:
        return msgspec.structs.replace(end, outcome=UNCHANGED, result={"first": None, "last": None})
    result = {"first": found[end.copy_id] + 1, "last": _last(end)}
    return msgspec.structs.replace(end, outcome=CHANGED, result=result)


def exported_versions(items: Iterable[OperationItem], *, tenant: Tenant, actor: Actor) -> Iterator[bytes]:
    """Yield the file of an export line by line: the versions that the completed ``items`` took, with the changes that
    ``actor`` may see. A copy that was erased since is left out. Raises ``MissingRight``.
    """
    actor.require(Right.READ_FORMS)
    reader = Reader.for_actor(actor)
    for item in items:
        first, last = item.result.get("first"), item.result.get("last")
        if item.state != ItemState.COMPLETED or item.copy_id is None or first is None or last is None:
            continue
        found = batch.find_many([item.copy_id], scope=tenant, actor=actor, archived=True)[item.copy_id]
        if isinstance(found, BatchContext):
            yield from _versions(found, reader, first=first, last=last)


def _versions(context: BatchContext, reader: Reader, *, first: int, last: int) -> Iterator[bytes]:
    """Yield versions of a copy. A value is as confidential as the strictest release says that it went through."""
    with use_tenant(context.scope):
        revisions = list(list_revisions(context.copy.id).filter(version__range=(first, last)).order_by("version"))
    visibility = strictest_visibility(context, reader)
    for revision in revisions:
        yield line(
            {
                "id": f"{context.copy.id}@{revision.version}",
                "copy_id": context.copy.id,
                "application_form_id": context.form.id,
                "version": revision.version,
                "created_at": revision.created_at,
                "by": {"type": revision.actor_type, "id": revision.actor_id, "label": revision.actor_label},
                **of_version(bytes(revision.changes), visibility),
            }
        )
