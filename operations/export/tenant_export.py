"""Exports a tenant: reads all its rows as they are at one moment and writes them into an archive, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import zstandard
from django.db import connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from catalogue.models import Release
from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm, Declination
from operations.export import content
from operations.export.archive import Archive
from operations.export.content import ExportVisibility
from operations.export.kinds import LEFT_OUT, OMITTED, exported_columns, exported_tables, file_of
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tenants.tables import TenantTable

#: Rows read at a time; documents make up most of the memory.
CHUNK: Final = 200
_CONTENT: Final[dict[type[Any], list[str]]] = {Copy: ["document", "evaluation"], CopyRevision: ["changes"]}


def export_tenant(tenant: Tenant, path: Path, *, report: Callable[[str, int], object]) -> dict[str, dict[str, Any]]:
    """Write the archive ``path``; return its files with rows and hashes. ``report`` receives each file and its rows.

    Raises ``ArchiveExists``; on any error there is no file.
    """
    archive = Archive(path)
    try:
        with use_tenant(tenant), _one_moment(tenant.database_alias):
            export = _Export(tenant)
            for table in exported_tables():
                report(file_of(table), archive.add(file_of(table), export.lines(table)))
        report("people.ndjson", archive.add("people.ndjson", _people(tenant)))
        for release in Release.objects.filter(pk__in=export.release_ids).select_related("catalogue").order_by("pk"):
            archive.add(f"releases/{release.pk}.json", [zstandard.decompress(bytes(release.content))])
        archive.finish(_manifest(tenant))
    finally:
        archive.discard()
    return archive.files


@contextmanager
def _one_moment(alias: str) -> Iterator[None]:
    """Read everything in the block as it is now."""
    connection = connections[alias]
    if connection.in_atomic_block:
        # A test's transaction: its isolation cannot change any more.
        yield
        return
    with transaction.atomic(using=alias):
        # The driver's cursor: this must come before the statement that marks the tenant.
        connection.connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


class _Export:
    """One export under way."""

    def __init__(self, tenant: Tenant) -> None:
        self.release_ids: set[int] = set()
        self._tenant = tenant
        self._visibility = ExportVisibility(tenant)

    def lines(self, table: TenantTable) -> Iterator[bytes]:
        """Yield the rows of ``table`` as lines."""
        columns = exported_columns(table)
        binary = _CONTENT.get(table.model, [])
        for rows in self._chunks(table, [*columns, *binary]):
            context = self._context(table, rows)
            for row in rows:
                plain = {name: row[name] for name in columns}
                yield content.line({**plain, **self._content(table, row, context)})

    def _chunks(self, table: TenantTable, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
        rows = table.model.objects.order_by("pk").values(*columns)
        last: Any = None
        while chunk := list((rows if last is None else rows.filter(pk__gt=last))[:CHUNK]):
            yield chunk
            last = chunk[-1][table.key]

    def _context(self, table: TenantTable, rows: list[dict[str, Any]]) -> dict[UUID, tuple[str, set[int | None]]]:
        """Return the catalogue, and the releases of all versions, of each copy that ``rows`` are about."""
        if table.model not in (Copy, CopyRevision, Declination):
            return {}
        ids = {row["id"] if table.model is Copy else row["copy_id"] for row in rows}
        forms = dict(Copy.objects.filter(id__in=ids).values_list("id", "application_form_id"))
        catalogues = dict(ApplicationForm.objects.filter(id__in=forms.values()).values_list("id", "catalogue"))
        used: dict[UUID, set[int | None]] = {copy_id: set() for copy_id in ids}
        for copy_id, release_id in CopyRevision.objects.filter(copy_id__in=ids).values_list("copy_id", "release_id"):
            used[copy_id].add(release_id)
        self.release_ids |= {known for each in used.values() for known in each if known is not None}
        return {copy_id: (catalogues.get(forms.get(copy_id), ""), used[copy_id]) for copy_id in ids}

    def _content(
        self, table: TenantTable, row: dict[str, Any], context: dict[UUID, tuple[str, set[int | None]]]
    ) -> dict[str, Any]:  # fmt: skip
        """Return the part of the row that has to be decoded or masked."""
        if not context:
            return {}
        visibility = self._visibility.of(*context[row["id"] if table.model is Copy else row["copy_id"]])
        if table.model is Copy:
            return content.of_copy(bytes(row["document"]), bytes(row["evaluation"]), visibility)
        if table.model is CopyRevision:
            return content.of_version(bytes(row["changes"]), visibility)
        return {"inputs": content.of_inputs(row["inputs"], row["tags"], visibility)}


def _people(tenant: Tenant) -> Iterator[bytes]:
    for user in User.objects.filter(tenant=tenant).order_by("email"):
        yield content.line(
            {"id": user.pk, "email": user.email, "full_name": user.full_name, "role": user.role,
             "is_active": user.is_active, "date_joined": user.date_joined}
        )  # fmt: skip


def _manifest(tenant: Tenant) -> dict[str, Any]:
    applied = MigrationRecorder(connections[tenant.database_alias]).applied_migrations()
    return {
        "tenant": {
            "id": tenant.pk, "code": tenant.code, "name": tenant.name, "time_zone": tenant.time_zone,
            "catalogue": tenant.catalogue,
        },
        "exported_at": timezone.now(),
        "schema": sorted(f"{app}.{name}" for app, name in applied),
        "left_out_tables": dict(LEFT_OUT),
        "left_out_columns": {table: sorted(columns) for table, columns in OMITTED.items()},
    }  # fmt: skip
