"""Erases a tenant: its people and clients, its rows in every table of every database, and the tenant itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import connections, transaction
from django.db.models import ProtectedError

from copies.models import CopyIndex
from failpoints import failpoint
from operations.erasure import certificates, traces
from operations.erasure.certificates import ErasureRefused
from operations.models import Erasure
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tenants.moves.gate import read_gate
from tenants.tables import TenantTable, tenant_tables

#: Rows that are deleted in one transaction.
PORTION: Final = 2_000


def erase_tenant(tenant: Tenant, *, actor: Actor, report: Callable[[str, int], object]) -> Erasure:
    """Erase all of ``tenant`` for good, or go on with its erasure; return the certificate.

    First its people and API clients are shut out. ``report`` receives each table and its erased rows. Raises
    ``ErasureRefused`` while something works for the tenant.
    """
    _refuse_busy(tenant)
    tenant_id = tenant.pk
    certificate = certificates.begin(
        Erasure.Subject.TENANT, tenant.pk, tenant=tenant, actor=actor, count=lambda: _counts(tenant)
    )
    failpoint("tenant_erasure_begun")
    User.objects.filter(tenant=tenant).update(is_active=False)
    ApiClient.objects.filter(tenant=tenant).delete()
    # Requests that began before are over when the second round ends without a row.
    while _delete_rows(tenant, report):
        failpoint("tenant_rows_erased")
    copies = list(CopyIndex.objects.filter(tenant_id=tenant.pk).values_list("copy_id", flat=True))
    people = list(User.objects.filter(tenant=tenant).values_list("pk", flat=True))
    traces.clear_admin_log([tenant.pk, *people, *copies])
    traces.erase_keys_in_redis([tenant.pk, *people, *copies])
    traces.erase_index(tenant_id=tenant.pk)
    try:
        # At once: the deletions themselves are noted in the histories.
        with transaction.atomic():
            User.objects.filter(tenant=tenant).delete()
            tenant.delete()
            traces.erase_histories(tenant_id)
    except ProtectedError as error:
        kinds = sorted({type(row).__name__ for row in error.protected_objects})
        raise ErasureRefused(
            f"{', '.join(kinds)} rows refer to the tenant. Delete them, then repeat the command."
        ) from error
    certificates.finish(certificate)
    return certificate


def _refuse_busy(tenant: Tenant) -> None:
    """Raise ``ErasureRefused`` while a move, an action, a delivery or a process of the tenant is under way."""
    for alias in connections:
        if read_gate(alias, tenant.pk) is not None:
            raise ErasureRefused(
                f"{tenant.code} moves between databases, or has old rows in {alias!r}. Finish it with move_tenant:"
                " --abort before the switch, --confirm after it."
            )
    checks = [(table.name, f"SELECT 1 FROM {table.name} WHERE leased_until > clock_timestamp() LIMIT 1")  # noqa: S608 - our own names, here and below
              for table in tenant_tables() if table.is_queue]  # fmt: skip
    checks.append(("forms_process", "SELECT 1 FROM forms_process WHERE held_until > clock_timestamp() LIMIT 1"))
    checks.append(("decisions_decisionrun", "SELECT 1 FROM decisions_decisionrun WHERE finished_at IS NULL LIMIT 1"))
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        for table, query in checks:
            cursor.execute(query)
            if cursor.fetchone() is not None:
                raise ErasureRefused(
                    f"Work of {tenant.code} is under way ({table}). Wait until it has ended, then repeat the command."
                )


def _counts(tenant: Tenant) -> dict[str, int]:
    counts = {
        User._meta.db_table: User.objects.filter(tenant=tenant).count(),
        ApiClient._meta.db_table: ApiClient.objects.filter(tenant=tenant).count(),
    }
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        for table in tenant_tables():
            cursor.execute(f"SELECT count(*) FROM {table.name} WHERE tenant_id = %s", [tenant.pk])  # noqa: S608
            counts[table.name] = cursor.fetchone()[0]
    return counts


def _delete_rows(tenant: Tenant, report: Callable[[str, int], object]) -> int:
    """Delete the tenant's rows in portions, children first; return their number."""
    total = 0
    for table in reversed(tenant_tables()):
        rows = 0
        while deleted := _delete_portion(tenant, table):
            rows += deleted
        if rows:
            report(table.name, rows)
        total += rows
    return total


def _delete_portion(tenant: Tenant, table: TenantTable) -> int:
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table.name} WHERE {table.key} IN"  # noqa: S608
            f" (SELECT {table.key} FROM {table.name} WHERE tenant_id = %s LIMIT {PORTION})",
            [tenant.pk],
        )
        return int(cursor.rowcount)
