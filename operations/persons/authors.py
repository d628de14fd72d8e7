"""The name of a user who left, in the rows of their tenant: another name stands in every label of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.db import connections, models
from django.db.models.functions import Cast, Lower

from batch.errors import BatchError
from batch.models import IdempotencyRecord
from copies.models import CopyRevision
from operations.persons.needles import Needles
from operations.persons.version_rewriting import rename_author
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.tables import TenantTable, tenant_tables

#: The name of every user who left.
FORMER: Final = "Former user"
_LABEL: Final = "_label"
_VERSIONS: Final = CopyRevision._meta.db_table


def forget_author(user_id: UUID, names: tuple[str, ...], *, tenant: Tenant, actor: Actor) -> dict[str, int]:
    """Replace the name of the user in all rows of ``tenant``; ``names`` are their email address and name.

    Return the number of changed rows by table, and of copies in use, which a second call finds (``left``).
    """
    counts = _in_versions(user_id, tenant=tenant, actor=actor)
    with use_tenant(tenant):
        for table in tenant_tables():
            if table.name != _VERSIONS:
                changed = _in_labels(table, user_id, tenant) + _in_texts(table, names)
                counts[table.name] = counts.get(table.name, 0) + changed
        counts[IdempotencyRecord._meta.db_table] = _forget_responses(names, tenant)
    return {table: rows for table, rows in counts.items() if rows}


def _in_versions(user_id: UUID, *, tenant: Tenant, actor: Actor) -> dict[str, int]:
    author = "user", str(user_id)
    with use_tenant(tenant):
        theirs = CopyRevision.objects.filter(actor_type=author[0], actor_id=author[1]).exclude(actor_label=FORMER)
        copies = list(theirs.order_by("copy_id").values_list("copy_id", flat=True).distinct())
    counts = {_VERSIONS: 0, "left": 0}
    for copy_id in copies:
        try:
            counts[_VERSIONS] += rename_author(copy_id, author, FORMER, tenant=tenant, actor=actor)
        except BatchError:
            counts["left"] += 1
    return counts


def _in_labels(table: TenantTable, user_id: UUID, tenant: Tenant) -> int:
    """Replace the labels beside the user's id: ``actor_label`` beside ``actor_id``."""
    changed = 0
    for column in _labels(table):
        with connections[tenant.database_alias].cursor() as cursor:
            cursor.execute(
                f"UPDATE {table.name} SET {column}_label = %s WHERE {column}_id = %s AND {column}_label <> %s",  # noqa: S608 - our own names
                [FORMER, str(user_id), FORMER],
            )
            changed += cursor.rowcount
    return changed


def _labels(table: TenantTable) -> Iterator[str]:
    for column in table.columns:
        stem = column.removesuffix(_LABEL)
        if stem != column and f"{stem}_id" in table.columns:
            yield stem


def _in_texts(table: TenantTable, names: tuple[str, ...]) -> int:
    """Replace the user's address anywhere, and their name where it is all of a text."""
    changed, email = 0, names[0]
    needles = Needles([email])
    for field in table.model._meta.concrete_fields:
        if not isinstance(field, models.CharField | models.TextField | models.JSONField) or field.choices:
            continue
        rows = table.model.objects.annotate(said=Lower(Cast(field.attname, models.TextField())))
        for key, value in rows.filter(said__contains=email.lower()).values_list("pk", field.attname):
            erased: Any = needles.in_text(value) if isinstance(value, str) else needles.in_json(value)
            changed += table.model.objects.filter(pk=key).update(**{field.attname: erased})
        if field.attname.endswith("_by") and isinstance(field, models.CharField):
            named = table.model.objects.filter(**{f"{field.attname}__in": names})
            changed += named.update(**{field.attname: FORMER})
    return changed


def _forget_responses(names: tuple[str, ...], tenant: Tenant) -> int:
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {IdempotencyRecord._meta.db_table} WHERE tenant_id = %s AND EXISTS"  # noqa: S608 - our own name
            " (SELECT FROM unnest(%s::text[]) name WHERE position(convert_to(name, 'UTF8') IN body) > 0)",
            [tenant.pk, list(names)],
        )
        return int(cursor.rowcount)
