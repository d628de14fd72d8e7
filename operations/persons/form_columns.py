"""A person's values in the rows of a form that stays: in the text and JSON of every table, by its model's fields.

Documents and versions are rewritten by the batch (``version_rewriting``), search entries by the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from django.db import connections, models, transaction

from batch.models import IdempotencyRecord
from copies.models import CopyRevision
from forms.models import Declination
from operations.erasure.form_erasure import empty_shared_arguments, lock_rows, refuse_busy
from operations.erasure.form_rows import condition, in_order_of_deletion
from operations.models import OperationItem
from operations.persons.needles import Needles
from search.models import SearchEntry, SearchSpelling, SearchWord
from tenants.models import Tenant
from tenants.tables import TenantTable

#: Tables whose texts are rewritten elsewhere, or as a whole.
_ELSEWHERE: Final = frozenset(
    model._meta.db_table for model in (CopyRevision, SearchEntry, SearchWord, SearchSpelling, IdempotencyRecord)
)
#: Columns of one value per form at a tenant: the mark would occur twice.
_EMPTIED: Final = frozenset({"external_id"})
#: Stored responses repeat answers, and are kept for a day only.
_FORGET_RESPONSES: Final = (
    f"DELETE FROM {IdempotencyRecord._meta.db_table} WHERE tenant_id = %(tenant)s"  # noqa: S608 - our own name
    f" AND ({condition(TenantTable(IdempotencyRecord))})"
)
#: What was submitted for the form is sealed as a whole.
_EMPTY_ITEMS: Final = (
    f"UPDATE {OperationItem._meta.db_table} SET input = '' WHERE tenant_id = %(tenant)s AND length(input) > 0"  # noqa: S608
    f" AND ({condition(TenantTable(OperationItem))})"
)


class Mention(NamedTuple):
    """A row whose ``column`` contains something of the person, with the value and what it becomes."""

    table: TenantTable
    key: Any
    column: str
    value: Any
    erased: Any


def mentions(parameters: dict[str, Any], needles: Needles, *, tenant: Tenant) -> Iterator[Mention]:
    """Yield what the form's rows say of the person besides documents and versions; in the tenant's scope.

    ``parameters`` are those of ``form_parameters``.
    """
    for table in in_order_of_deletion():
        fields = _texts(table)
        if table.name in _ELSEWHERE or not fields:
            continue
        # The conditions are SQL with named parameters, so the keys are read first.
        with connections[tenant.database_alias].cursor() as cursor:
            cursor.execute(
                f"SELECT {table.key} FROM {table.name} WHERE tenant_id = %(tenant)s AND ({condition(table)})",  # noqa: S608
                {**parameters, "tenant": tenant.pk},
            )
            keys = [key for (key,) in cursor.fetchall()]
        rows = table.model.objects.filter(pk__in=keys).order_by("pk")
        for row in rows.values("pk", *(field.attname for field in fields)).iterator(chunk_size=100):
            yield from _of_row(table, row, fields, needles)


def erase_mentions(parameters: dict[str, Any], needles: Needles, *, tenant: Tenant) -> dict[str, int]:
    """Erase what the form's rows say of the person; return the number of changed rows by table.

    In the tenant's scope. Raises ``ErasureRefused`` while something works on the form.
    """
    counts: dict[str, int] = {}
    alias = tenant.database_alias
    of_tenant = {**parameters, "tenant": tenant.pk}
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        lock_rows(cursor, parameters)
        refuse_busy(cursor, parameters)
        empty_shared_arguments(cursor, parameters)
        for model, statement in ((IdempotencyRecord, _FORGET_RESPONSES), (OperationItem, _EMPTY_ITEMS)):
            cursor.execute(statement, of_tenant)
            counts[model._meta.db_table] = cursor.rowcount
        by_row: dict[tuple[TenantTable, Any], dict[str, Any]] = {}
        for mention in mentions(parameters, needles, tenant=tenant):
            by_row.setdefault((mention.table, mention.key), {})[mention.column] = mention.erased
        for (table, key), changed in by_row.items():
            counts[table.name] = counts.get(table.name, 0) + table.model.objects.filter(pk=key).update(**changed)
    return {table: rows for table, rows in counts.items() if rows}


def _texts(table: TenantTable) -> list[models.Field[Any, Any]]:
    """Return the fields that people and programs write into."""
    return [
        field
        for field in table.model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.JSONField) and not field.choices
    ]


def _of_row(
    table: TenantTable, row: dict[str, Any], fields: list[models.Field[Any, Any]], needles: Needles
) -> Iterator[Mention]:
    for field in fields:
        name, value = field.attname, row[field.attname]
        erased = _erased(table, name, value, needles)
        if erased == value:
            continue
        if isinstance(erased, str):
            erased = "" if name in _EMPTIED else erased[: getattr(field, "max_length", None)]
        yield Mention(table, row["pk"], name, value, erased)


def _erased(table: TenantTable, name: str, value: Any, needles: Needles) -> Any:
    if table.model is Declination and name == "inputs":
        return needles.in_inputs(value)
    return needles.in_text(value) if isinstance(value, str) else needles.in_json(value)
