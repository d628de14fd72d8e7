"""Loads the head of a copy: all that shows whether a reader has its present state, and none of its answers.

A copy of 2,000 answers has half a megabyte; a reader who sends the tag of what they have needs nothing of it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from batch.changes.records import Loaded
from batch.errors import NotFound
from batch.storage.load import ATTACHED, COLUMN_TYPES, COLUMNS, LoadedRow, listed, loaded_from, rows_of
from copies.models import Copy
from forms.models import ApplicationForm
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

#: The attached records that decide whether a copy keeps its decision (``Loaded.keeps_decision``).
_DECIDING: Final = frozenset({"dispositions"})
#: What a head has instead of the columns that it leaves out. Decoding this document raises.
_LEFT_OUT: Final[Mapping[str, str]] = {
    "wanted": "c.id",
    "document": "'\\x00'::bytea",
    "is_last": "FALSE",
    **{
        name: f"NULL::{COLUMN_TYPES[name]}"
        for name in ("wrapped_key", "busy_siblings", "fingerprint", "status", "headers", "body")
    },
    **{table.kind.name: "NULL::text" for table in ATTACHED if table.kind.name not in _DECIDING},
}
_FORM_COLUMNS: Final = {
    name: f"f.{name.removeprefix('form_')}{'::text' if name == 'form_metadata' else ''}"
    for name in COLUMNS
    if name.startswith("form_")
}
_HEAD: Final = listed({**COLUMNS, **_FORM_COLUMNS, **_LEFT_OUT})
_FROM: Final = f"""
      FROM {Copy._meta.db_table} c
      JOIN {ApplicationForm._meta.db_table} f ON f.id = c.application_form_id AND f.tenant_id = c.tenant_id
     WHERE c.tenant_id = %(tenant)s AND c.id = %(id)s AND c.deleted_at IS NULL AND f.deleted_at IS NULL"""
_HeadRow: Any = namedtuple("_HeadRow", (*LoadedRow._fields, "more"))  # type: ignore[misc]  # noqa: PYI024


def head_plan(prefix: str, *, more: str, parameters: Mapping[str, str]) -> KeptPlan:
    """Return the load of a head and, in the same round trip, of the text that the SQL expression ``more`` gives: it may
    use ``parameters`` (types by name), ``%(tenant)s`` and ``%(id)s``. A migration of the caller's room creates it.
    """
    return KeptPlan(
        prefix,
        f"SELECT {_HEAD}, {more} AS more{_FROM}",
        {"tenant": "uuid", "id": "uuid", **parameters},
        {**COLUMN_TYPES, "more": "text"},
    )


def load_head(
    plan: KeptPlan, copy_id: UUID, *, scope: Tenant, parameters: Mapping[str, Any]
) -> tuple[Loaded, str | None]:  # fmt: skip
    """Return the copy without its answers and most attached records, and the text besides that ``plan`` loads.

    Raises ``NotFound``, for a deleted copy too.
    """
    rows = rows_of(plan.call, {**parameters, "tenant": scope.id, "id": copy_id}, make=_HeadRow, scope=scope)
    if not rows:
        raise NotFound
    return loaded_from(rows[0]), rows[0].more
