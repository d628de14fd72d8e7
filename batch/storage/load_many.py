"""Loads many copies with their forms and attached records: one round trip, one scan of each table for all of them."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from batch.changes.records import Loaded
from batch.storage.load import ATTACHED, COLUMNS, FOUND, LoadedRow, NamedRow, listed, loaded_from, rows_of
from batch.storage.tables import Table
from tenants.models import Tenant

#: The attached records by kind and owner, as JSON.
_Attached: TypeAlias = Mapping[str, Mapping[UUID, msgspec.Raw]]


def _owner(table: Table) -> str:
    """Return the column of a copy that names the owner of its records."""
    return "application_form_id" if table.kind.of_form else "id"


def _records(table: Table) -> str:
    """Return the SELECT of the records of one kind in force, by owner."""
    return f"""SELECT '{table.kind.name}' AS kind, json_object_agg(o.owner, o.records) AS records
      FROM (SELECT r.{table.owner} AS owner, json_agg(r ORDER BY r.created_at, r.id) AS records
              FROM {table.name} r
             WHERE r.{table.owner} = ANY (ARRAY(SELECT {_owner(table)} FROM found)) AND {table.kind.in_force.sql}
             GROUP BY r.{table.owner}) o"""  # noqa: S608 - names of our own tables and columns


#: The first row has the records of all copies: a subquery for each kind of each copy takes most of the time.
_ALL_RECORDS: Final = f"""CASE WHEN c.number = 1 THEN (SELECT json_object_agg(k.kind, k.records)::text
      FROM ({" UNION ALL ".join(map(_records, ATTACHED))}) k
     WHERE k.records IS NOT NULL) END"""  # noqa: S608
#: The columns of a load without what belongs to a keyed request.
_COLUMNS: Final[Mapping[str, str]] = {
    **COLUMNS,
    "wanted": "c.wanted",
    **dict.fromkeys(("fingerprint", "status", "headers", "body"), "NULL"),
    **{table.kind.name: "NULL" for table in ATTACHED},
    "records": _ALL_RECORDS,
}
_SELECT: Final = f"""
    WITH found AS MATERIALIZED (SELECT w.id AS wanted, row_number() OVER () AS number, c.*{FOUND})
    SELECT {listed(_COLUMNS)} FROM found c ORDER BY c.number"""  # noqa: S608

_Row: Any = namedtuple("_Row", (*LoadedRow._fields, "records"))  # type: ignore[misc]  # noqa: PYI024
_decoder: Final = msgspec.json.Decoder(dict[str, dict[UUID, msgspec.Raw]])


def load_many(form_or_copy_ids: Sequence[UUID], *, scope: Tenant, archived: bool = False) -> dict[UUID, Loaded]:
    """Return the copies as ``load`` does, by the id that was requested; ids without a copy are left out."""
    parameters = {"ids": list(form_or_copy_ids), "tenant": scope.id, "archived": archived}
    rows = rows_of(_SELECT, parameters, make=_Row, scope=scope)
    records = _decoder.decode(rows[0].records) if rows and rows[0].records is not None else {}
    return {row.wanted: loaded_from(_with_records(row, records) if records else row) for row in rows}


def _with_records(row: NamedRow, records: _Attached) -> NamedRow:
    """Return ``row`` with the records of its copy, by kind, as ``load`` reads them."""
    return row._replace(
        **{
            table.kind.name: records[table.kind.name].get(getattr(row, _owner(table)))
            for table in ATTACHED
            if table.kind.name in records
        }
    )
