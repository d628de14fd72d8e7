"""The rows of one form in each table of the tenants' side, as conditions in SQL.

The conditions follow from the columns; the tables without a form are listed with the reason, and a table that is in
neither group is refused, so a new model cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from batch.models import IdempotencyRecord
from copies.models import Copy
from decisions.models import DecisionRun
from forms.models import ApplicationForm
from operations.models import BatchOperation, ImportMapping, OperationItem
from quoting.models import CarrierAppointment, ProducerLicense
from search.models import SearchSpelling, SearchWord
from tenants.tables import TenantTable, tenant_tables
from webhooks.models import WebhookEndpoint

#: Tables without data of a form.
WITHOUT_FORMS: Final[Mapping[str, str]] = {
    WebhookEndpoint._meta.db_table: "addresses of the tenant's own systems",
    WebhookEndpoint.history.model._meta.db_table: "changes of these addresses",
    DecisionRun._meta.db_table: "counts of copies",
    BatchOperation._meta.db_table: "orders over many forms; what they say of one form is in their items",
    ImportMapping._meta.db_table: "names of columns of files",
    CarrierAppointment._meta.db_table: "where the tenant may sell",
    ProducerLicense._meta.db_table: "where the tenant may sell",
}
_OF_FORM: Final = "application_form_id = %(form)s"
_OF_COPY: Final = "copy_id = ANY (%(copies)s)"
#: An item of the form may name it before it names a copy.
OF_ITEM: Final = f"({_OF_FORM} OR {_OF_COPY} OR copy_id = %(form)s)"
#: Tables whose rows are of a form in a way of their own.
_SPECIAL: Final[Mapping[str, str]] = {
    ApplicationForm._meta.db_table: "id = %(form)s",
    Copy._meta.db_table: "id = ANY (%(copies)s)",
    # A dry run has the item of a form that its import made too, under the same number; it names no form itself.
    OperationItem._meta.db_table: (
        f"({OF_ITEM} OR (operation_id, number) IN (SELECT run.planned_by, i.number"  # noqa: S608 - our own names
        f" FROM {OperationItem._meta.db_table} i JOIN {BatchOperation._meta.db_table} run ON run.id = i.operation_id"
        f" WHERE run.planned_by IS NOT NULL AND {OF_ITEM}))"
    ),
    # Stored responses name the copies that they are about, in the address or the content.
    IdempotencyRecord._meta.db_table: (
        "EXISTS (SELECT FROM unnest(%(names)s::text[]) name WHERE position(convert_to(name, 'UTF8') IN body) > 0"
        " OR position(name IN headers::text) > 0)"
    ),
    # Words that no copy contains any more; run after the words of the form are gone.
    SearchSpelling._meta.db_table: (
        f"NOT EXISTS (SELECT FROM {SearchWord._meta.db_table} w"  # noqa: S608 - our own name
        f" WHERE w.tenant_id = {SearchSpelling._meta.db_table}.tenant_id"
        f" AND w.word = {SearchSpelling._meta.db_table}.word)"
    ),
}


class UnclassifiedTable(Exception):
    """Nobody said how rows of a form are found in this table."""

    def __init__(self, table: str) -> None:
        super().__init__(f"Say in operations/erasure/form_rows.py how the rows of one form are found in {table}.")


def condition(table: TenantTable) -> str | None:
    """Return the condition of the rows of the form in ``table``, None where it has none. Raises ``UnclassifiedTable``.

    Parameters: ``form``, ``copies`` (ids) and ``names`` (both as text).
    """
    if table.name in WITHOUT_FORMS:
        return None
    if table.name in _SPECIAL:
        return _SPECIAL[table.name]
    if "copy_id" in table.columns:
        return _OF_COPY
    if "application_form_id" in table.columns:
        return _OF_FORM
    parts = [part for part in (_of_parent(table, parent) for parent in tenant_tables()) if part]
    if not parts:
        raise UnclassifiedTable(table.name)
    return " OR ".join(parts)


def _of_parent(table: TenantTable, parent: TenantTable) -> str | None:
    """Return the condition of the rows that refer to the form's rows of ``parent``."""
    columns = [
        field.column
        for field in table.model._meta.concrete_fields
        if field.is_relation and getattr(field.related_model, "_meta", None) is parent.model._meta
    ]
    inner = condition(parent) if columns else None
    if inner is None:
        return None
    return f"{columns[0]} IN (SELECT {parent.key} FROM {parent.name} WHERE {inner})"  # noqa: S608 - our own names


def in_order_of_deletion() -> list[TenantTable]:
    """Return the tables with rows of forms: copies and form first, so that no save adds a row, then children first."""
    tables = [table for table in reversed(tenant_tables()) if table.name not in WITHOUT_FORMS]
    first = [ApplicationForm._meta.db_table, Copy._meta.db_table]
    last = [SearchSpelling._meta.db_table]
    middle = [table for table in tables if table.name not in (*first, *last)]
    by_name = {table.name: table for table in tables}
    return [by_name[first[1]], by_name[first[0]], *middle, by_name[last[0]]]
