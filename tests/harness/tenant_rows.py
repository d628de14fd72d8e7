"""Rows in every table of the tenants' side, made from the models' fields, so that a new model has rows by itself."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.utils import timezone
from uuid_utils.compat import uuid7

from tenants.current_tenant import use_tenant
from tenants.managers import TenantModel
from tenants.models import Tenant
from tenants.tables import TenantTable, tenant_tables

_counter: Final = itertools.count(1)


def fill_tables(
    tenant: Tenant, *, rows: int = 3, alias: str | None = None, columns: Mapping[str, Any] | None = None
) -> dict[str, list[Any]]:
    """Give ``tenant`` rows in each of its tables, with these values in ``columns``; return their keys by table."""
    alias = alias or tenant.database_alias
    made: dict[str, list[Any]] = {}
    with use_tenant(tenant):
        for table in tenant_tables():
            fresh = [_row(table, tenant, made, place=place, columns=columns or {}) for place in range(rows)]
            saved = table.model.unscoped_objects.using(alias).bulk_create(fresh)
            made[table.name] = [row.pk for row in saved]
    return made


def _row(
    table: TenantTable, tenant: Tenant, made: dict[str, list[Any]], *, place: int, columns: Mapping[str, Any]
) -> TenantModel:
    number = next(_counter)
    values = {
        field.attname: made[field.related_model._meta.db_table][place]  # type: ignore[union-attr]
        if isinstance(field, models.ForeignKey)
        else _value(field, number)
        for field in table.model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField) and field.attname != "tenant_id"
    }
    texts = {field.attname for field in table.model._meta.concrete_fields if isinstance(field, models.JSONField)}
    # Bytes are for columns of bytes; a column of the same name that holds JSON gets their text.
    given = {
        name: {"text": value.decode()} if name in texts and isinstance(value, bytes) else value
        for name, value in columns.items()
        if name in values
    }
    return table.model(**{**values, **given}, tenant_id=tenant.id)


def _value(field: Any, number: int) -> Any:  # noqa: C901, PLR0911 - one line per type
    if field.null and field.attname in ("lease_token", "leased_until", "finished_at", "held_until"):
        return timezone.now() if field.attname == "finished_at" else None
    if isinstance(field, models.UUIDField):
        return uuid7()
    if isinstance(field, models.JSONField):
        return {"number": number, "texts": ["é", "\\N", "\t"]}
    if isinstance(field, ArrayField):
        return ["*"]
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.DateField):
        return date(2026, 1, 1)
    if isinstance(field, models.BooleanField):
        return bool(number % 2)
    if isinstance(field, models.BinaryField):
        return secrets.token_bytes(50 + number % 50)
    if isinstance(field, models.IntegerField):
        return number % 30_000
    if field.choices:
        return field.choices[0][0]
    return str(number)[: field.max_length]


def contents(tenant: Tenant, alias: str) -> dict[str, list[str]]:
    """Return the tenant's rows in the database ``alias`` as text, sorted, by table; only what its scope may see."""
    found = {}
    with use_tenant(tenant), connections[alias].cursor() as cursor:
        for table in tenant_tables():
            cursor.execute(
                f"SELECT ROW({', '.join(table.columns)})::text FROM {table.name} WHERE tenant_id = %s ORDER BY 1",  # noqa: S608 - our own names
                [tenant.id],
            )
            found[table.name] = [text for (text,) in cursor.fetchall()]
    return found
