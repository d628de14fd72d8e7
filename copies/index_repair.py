"""Maintenance of ``CopyIndex``: adds missing entries and deletes entries without a copy.

An entry is written before its copy, in another database; a process that dies between the two leaves an entry without a
copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from copies.models import Copy, CopyIndex
from tenants.current_tenant import across_tenants
from tenants.models import Tenant
from tenants.moves.gate import hidden_tenants

#: A younger entry may belong to a save that is still running.
GRACE: Final = timedelta(hours=1)
CHUNK: Final = 2_000


@dataclass(kw_only=True, slots=True)
class Repaired:
    """The result of a repair: entries that were ``missing`` or ``wrong``, entries ``without_copy``, unchecked tenants.

    ``unreachable`` holds the aliases of databases that this installation does not know: their entries stay.
    """

    checked: int = 0
    missing: int = 0
    wrong: int = 0
    without_copy: int = 0
    unreachable: tuple[str, ...] = ()


def repair_copy_index(*, dry_run: bool) -> Repaired:
    """Compare the index with the copies of all databases and repair it; ``dry_run`` only counts. Safe at any time.

    Deleted copies keep their entry: they can be restored.
    """
    alias_of = {tenant.id: tenant.database_alias for tenant in Tenant.objects.all()}
    aliases = sorted(set(alias_of.values()) | {"default"})
    found = Repaired(unreachable=tuple(alias for alias in aliases if alias not in connections))
    for alias in aliases:
        if alias in connections:
            _give_entries(alias, found, dry_run=dry_run)
    _take_entries(alias_of, found, dry_run=dry_run)
    return found


def _give_entries(alias: str, found: Repaired, *, dry_run: bool) -> None:
    """Write the missing and the wrong entries of the copies in the database ``alias``."""
    with across_tenants(using=alias):
        for copies in _chunks(Copy.objects.values_list("id", "application_form_id", "tenant_id"), key="id"):
            ids = [copy_id for copy_id, _, _ in copies]
            known = {
                copy_id: stored
                for copy_id, *stored in CopyIndex.objects.filter(copy_id__in=ids).values_list(
                    "copy_id", "application_form_id", "tenant_id"
                )
            }
            entries = [
                CopyIndex(copy_id=copy_id, application_form_id=form_id, tenant_id=tenant_id)
                for copy_id, form_id, tenant_id in copies
                if known.get(copy_id) != [form_id, tenant_id]
            ]
            found.checked += len(copies)
            found.wrong += sum(entry.copy_id in known for entry in entries)
            found.missing += sum(entry.copy_id not in known for entry in entries)
            if not dry_run:
                CopyIndex.objects.bulk_create(
                    entries,
                    update_conflicts=True,
                    unique_fields=["copy_id"],
                    update_fields=["application_form_id", "tenant_id"],
                )


def _take_entries(alias_of: dict[UUID, str], found: Repaired, *, dry_run: bool) -> None:
    """Delete entries without a copy that are older than the grace period; entries of unreachable databases stay."""
    old = CopyIndex.objects.filter(created_at__lt=timezone.now() - GRACE)
    for entries in _chunks(old.values_list("copy_id", "tenant_id"), key="copy_id"):
        by_alias: dict[str, dict[UUID, UUID]] = {}
        for copy_id, tenant_id in entries:
            # A deleted tenant has no database of its own that could be read.
            by_alias.setdefault(alias_of.get(tenant_id, "default"), {})[copy_id] = tenant_id
        for alias, tenant_of in by_alias.items():
            if alias not in connections:
                continue
            with across_tenants(using=alias):
                there = set(Copy.objects.filter(id__in=list(tenant_of)).values_list("id", flat=True))
            # Read after the rows: a tenant that moves meanwhile has its copies, hidden behind its gate.
            moving = hidden_tenants(alias)
            gone = [copy_id for copy_id, owner in tenant_of.items() if copy_id not in there and owner not in moving]
            found.without_copy += len(gone)
            if gone and not dry_run:
                CopyIndex.objects.filter(copy_id__in=gone).delete()


def _chunks(rows: QuerySet[Any, tuple[Any, ...]], *, key: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield ``rows``, whose first column is their key, in chunks by that key. Uses little memory and allows deletion of
    rows.
    """
    last = None
    while True:
        chunk = list((rows if last is None else rows.filter(**{f"{key}__gt": last})).order_by(key)[:CHUNK])
        if not chunk:
            return
        yield chunk
        last = chunk[-1][0]
