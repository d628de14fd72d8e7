"""Loads copies with their form, their attached records, and the stored response to a keyed request: one round trip,
for one copy or many.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from django.db import OperationalError, connections

from batch.changes.attached import AttachedRecord
from batch.changes.mutators.bindings import UNDER_WAY
from batch.changes.records import BusySibling, CopyRecord, DecisionMark, FormRecord, Loaded
from batch.changes.snapshots import CopyFields, FormFields
from batch.errors import IdempotencyConflict, NotFound, UnknownVersion
from batch.idempotency import KEPT, IdempotencyKey, StoredResponse
from batch.models import IdempotencyRecord
from batch.storage.tables import TABLES
from copies.history import find_version
from copies.models import Copy
from encryption.wrapped_key import WrappedKey
from forms.models import ApplicationForm, Binding
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan
from tenants.residence import note_refusal

#: A row of a SELECT, with its columns as attributes.
NamedRow: TypeAlias = Any

ATTACHED: Final = [table for table in TABLES if not table.kind.append_only]
_DECODERS: Final = {
    table.kind.name: msgspec.json.Decoder(tuple[table.kind.struct, ...])  # type: ignore[name-defined]
    for table in ATTACHED
}
#: What a row contains for a kind without records.
_NO_RECORDS: Final = (None, "[]")
_AGE: Final = attrgetter("created_at", "id")
_SIBLINGS: Final = msgspec.json.Decoder(tuple[BusySibling, ...])
_UNDER_WAY: Final = ", ".join(f"'{state}'" for state in sorted(UNDER_WAY))
_IS_BINDING: Final = (
    f"EXISTS (SELECT 1 FROM {Binding._meta.db_table} b WHERE b.copy_id = o.id AND b.state IN ({_UNDER_WAY}))"  # noqa: S608 - our own names
)
#: The columns of a copy and its form, with their types.
_COPY_COLUMNS: Final = {
    "id": "uuid", "application_form_id": "uuid", "version": "integer", "title": "varchar", "owner_id": "uuid",
    "locked_at": "timestamptz", "deleted_at": "timestamptz", "created_at": "timestamptz", "updated_at": "timestamptz",
    "last_touched_by_user_at": "timestamptz", "release_id": "integer", "decided_release_id": "integer",
    "decided_on": "date", "decided_edition": "smallint", "document": "bytea", "evaluation": "bytea",
    "wrapped_key": "bytea", "key_id": "varchar", "key_version": "integer", "chain": "bytea",
    "locked_by_id": "varchar", "locked_by_label": "varchar", "lock_reason": "varchar",
    "copied_from_id": "uuid", "copied_from_version": "integer",
    "form_catalogue": "varchar", "form_as_of": "date", "form_created_at": "timestamptz", "form_reference": "varchar",
    "form_external_id": "varchar", "form_metadata": "text", "form_deleted_at": "timestamptz",
    "form_base_copy_id": "uuid", "form_version": "integer", "form_is_test": "boolean",
}  # fmt: skip
_RESPONSE_COLUMNS: Final[Mapping[str, str]] = {
    "fingerprint": "i.fingerprint",
    "status": "i.status",
    "headers": "i.headers::text",
    "body": "i.body",
    "now": "statement_timestamp()",
}
_RESPONSE_TYPES: Final = {"fingerprint": "bytea", "status": "smallint", "body": "bytea", "now": "timestamptz"}
#: Another copy ``o`` of the form of the copy ``c``. With its tenant, which the index begins with: without it the search
#: takes a step for each tenant.
_SIBLING: Final = (
    "o.tenant_id = c.tenant_id AND o.application_form_id = c.application_form_id AND o.id <> c.id"
    " AND o.deleted_at IS NULL"
)
#: The columns of a load, by the names under which they are read.
COLUMNS: Final[Mapping[str, str]] = {
    "wanted": "w.id",
    **{name: f"c.{name}" for name in _COPY_COLUMNS},
    "is_last": f"NOT EXISTS (SELECT 1 FROM {Copy._meta.db_table} o WHERE {_SIBLING})",  # noqa: S608 - our own names
    "busy_siblings": "(SELECT json_agg(json_build_object('title', o.title, 'locked_at', o.locked_at, 'locked_by_label',"  # noqa: S608 - our own names
    f" o.locked_by_label, 'lock_reason', o.lock_reason, 'is_binding', {_IS_BINDING}) ORDER BY o.created_at, o.id)::text"
    f" FROM {Copy._meta.db_table} o WHERE {_SIBLING} AND (o.locked_at IS NOT NULL OR {_IS_BINDING}))",
    **_RESPONSE_COLUMNS,
    **{
        # No aggregate and no order: these steps for each kind take longer than to sort the few records here.
        table.kind.name: f"array_to_json(ARRAY(SELECT r FROM {table.name} r"  # noqa: S608
        f" WHERE r.{table.owner} = c.{'application_form_id' if table.kind.of_form else 'id'}"
        f" AND {table.kind.in_force.sql}))::text"
        for table in ATTACHED
    },
}

#: Their types. All that are not named are text: JSON.
COLUMN_TYPES: Final = {
    name: {"wanted": "uuid", "is_last": "boolean", **_COPY_COLUMNS, **_RESPONSE_TYPES}.get(name, "text")
    for name in COLUMNS
}
# Named tuples: a dictionary of each row takes ten times as long.
LoadedRow: Any = namedtuple("LoadedRow", tuple(COLUMNS))  # type: ignore[misc]  # noqa: PYI024
_ResponseRow: Any = namedtuple("_ResponseRow", tuple(_RESPONSE_COLUMNS))  # type: ignore[misc]  # noqa: PYI024


def listed(columns: Mapping[str, str]) -> str:
    """Return ``columns`` as the list of a SELECT."""
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())


_RESPONSE_JOIN: Final = f"""
      LEFT JOIN {IdempotencyRecord._meta.db_table} i
        ON i.tenant_id = %(tenant)s AND i.client = %(client)s AND i.key = %(key)s
       AND i.created_at >= statement_timestamp() - %(kept)s"""
#: The copies that are requested (``w.id``), with their forms, as ``c``: each is found by its id or by its form's. The
#: OFFSET has the form looked up for its copy; of few forms the planner would read all before it looks for the copy.
FOUND: Final = f"""
      FROM unnest(%(ids)s::uuid[]) AS w (id)
     CROSS JOIN LATERAL (
           SELECT c.*, f.catalogue AS form_catalogue, f.as_of AS form_as_of, f.created_at AS form_created_at,
                  f.reference AS form_reference, f.external_id AS form_external_id, f.metadata::text AS form_metadata,
                  f.deleted_at AS form_deleted_at, f.base_copy_id AS form_base_copy_id, f.version AS form_version,
                  f.is_test AS form_is_test
             FROM (SELECT * FROM {Copy._meta.db_table} c WHERE c.id = w.id
                    UNION ALL
                   SELECT * FROM {Copy._meta.db_table} c
                    WHERE c.tenant_id = %(tenant)s AND c.application_form_id = w.id AND c.id <> w.id) c
            CROSS JOIN LATERAL (
                  SELECT * FROM {ApplicationForm._meta.db_table} f
                   WHERE f.id = c.application_form_id AND f.tenant_id = c.tenant_id
                  OFFSET 0) f
            WHERE c.tenant_id = %(tenant)s
              AND (%(archived)s OR (c.deleted_at IS NULL AND f.deleted_at IS NULL))
            ORDER BY (c.id = w.id) DESC, c.last_touched_by_user_at DESC NULLS LAST, c.created_at
            LIMIT 1) c"""  # noqa: S608 - only table names are put in
_SELECT: Final = f"""
    SELECT {listed(COLUMNS)}{FOUND}{_RESPONSE_JOIN}"""  # noqa: S608
#: The load of a single copy.
LOAD_ONE: Final = KeptPlan(
    "batch_load",
    _SELECT,
    {"ids": "uuid[]", "tenant": "uuid", "archived": "boolean", "client": "text", "key": "text", "kept": "interval"},
    COLUMN_TYPES,
)
_STORED_RESPONSE: Final = f"SELECT {listed(_RESPONSE_COLUMNS)} FROM (VALUES (1)) AS one{_RESPONSE_JOIN}"  # noqa: S608


def load(
    form_or_copy_id: UUID, *, scope: Tenant, archived: bool = False, idempotency: IdempotencyKey | None = None
) -> Loaded:  # fmt: skip
    """Return the copy with this id, else the form's copy that a user touched last.

    ``archived`` includes deleted ones. Raises ``NotFound``, ``IdempotencyConflict``.
    """
    parameters: dict[str, Any] = {
        # As PostgreSQL reads an array: the driver's own form of a list takes ten times as long.
        "ids": f"{{{form_or_copy_id}}}",
        "tenant": scope.id,
        "archived": archived,
        "client": idempotency.client if idempotency else None,
        "key": idempotency.key if idempotency else None,
        "kept": KEPT,
    }
    rows = rows_of(LOAD_ONE.call, parameters, make=LoadedRow, scope=scope)
    if not rows:
        raise NotFound
    return loaded_from(rows[0], idempotency)


def load_nothing(idempotency: IdempotencyKey | None, *, scope: Tenant) -> tuple[datetime, StoredResponse | None]:
    """Return the database's time, and the stored response to a keyed request for a new copy.

    Raises ``IdempotencyConflict``.
    """
    parameters: dict[str, Any] = {
        "tenant": scope.id,
        "client": idempotency.client if idempotency else None,
        "key": idempotency.key if idempotency else None,
        "kept": KEPT,
    }
    (row,) = rows_of(_STORED_RESPONSE, parameters, make=_ResponseRow, scope=scope)
    return row.now, _stored_response(row, idempotency)


def load_revision(
    loaded: Loaded, *, scope: Tenant, version: int | None = None, moment: datetime | None = None
) -> Loaded:
    """Return the earlier version of ``loaded``: number ``version``, or the version at ``moment``.

    Attached records have no earlier versions: they are left out. Raises ``UnknownVersion``.
    """
    revision = find_version(loaded.copy.id, scope=scope, version=version, moment=moment)
    if revision is None:
        raise UnknownVersion
    return msgspec.structs.replace(
        loaded,
        copy=msgspec.structs.replace(
            loaded.copy,
            version=revision.version,
            release_id=revision.release_id,
            document=revision.document,
            evaluation=revision.evaluation,
            chain=revision.chain,
            updated_at=revision.created_at,
            decided=DecisionMark(revision.release_id),
        ),
        attached={},
        is_past=True,
    )


def rows_of(
    text: str, parameters: Mapping[str, Any], *, make: Any, scope: Tenant
) -> list[NamedRow]:  # fmt: skip
    """Return the rows of a statement in the tenant's database, each made by the named tuple ``make``."""
    try:
        return _rows_at(scope.database_alias, text, parameters, make=make)
    except OperationalError as error:
        if not note_refusal(error):
            raise
    # The tenant moved after ``scope`` was loaded; its alias is the new one now.
    return _rows_at(scope.database_alias, text, parameters, make=make)


def _rows_at(alias: str, text: str, parameters: Mapping[str, Any], *, make: Any) -> list[NamedRow]:
    with connections[alias].cursor() as cursor:
        cursor.execute(text, parameters)
        return [make._make(row) for row in cursor.fetchall()]


def loaded_from(row: NamedRow, idempotency: IdempotencyKey | None = None) -> Loaded:
    """Return the copy in a row with ``COLUMNS``. Raises ``IdempotencyConflict``."""
    attached = {
        name: _in_order(decoder.decode(text))
        for name, decoder in _DECODERS.items()
        if (text := getattr(row, name)) not in _NO_RECORDS
    }
    form = FormRecord(
        id=row.application_form_id,
        catalogue=row.form_catalogue,
        as_of=row.form_as_of,
        created_at=row.form_created_at,
        fields=FormFields(
            reference=row.form_reference,
            external_id=row.form_external_id,
            metadata=msgspec.json.decode(row.form_metadata),
            deleted_at=row.form_deleted_at,
            base_copy_id=row.form_base_copy_id,
        ),
        version=row.form_version,
        is_test=row.form_is_test,
    )
    return Loaded(
        form,
        _copy(row),
        attached,
        is_last=row.is_last,
        stored_response=_stored_response(row, idempotency),
        held=_hold(attached.get("processes", ()), row.now),
        now=row.now,
        busy_siblings=_SIBLINGS.decode(row.busy_siblings) if row.busy_siblings is not None else (),
    )


def _in_order(records: tuple[AttachedRecord, ...]) -> tuple[AttachedRecord, ...]:
    """Return ``records`` from the oldest on."""
    return tuple(sorted(records, key=_AGE)) if len(records) > 1 else records


def _hold(processes: Sequence[Any], now: datetime) -> tuple[str, datetime] | None:
    """Return kind and end of the hold that lasts longest, by the clock of the database, which set it."""
    holds = [(process.held_until, process.kind) for process in processes if process.held_until is not None]
    until, kind = max(holds, default=(now, ""))
    return (kind, until) if until > now else None


def _copy(row: NamedRow) -> CopyRecord:
    wrapped = row.wrapped_key
    return CopyRecord(
        id=row.id,
        application_form_id=row.application_form_id,
        version=row.version,
        fields=CopyFields(
            title=row.title,
            owner_id=row.owner_id,
            locked_at=row.locked_at,
            deleted_at=row.deleted_at,
            locked_by_id=row.locked_by_id,
            locked_by_label=row.locked_by_label,
            lock_reason=row.lock_reason,
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_touched_by_user_at=row.last_touched_by_user_at,
        release_id=row.release_id,
        document=bytes(row.document),
        evaluation=bytes(row.evaluation),
        decided=DecisionMark(row.decided_release_id, row.decided_on, row.decided_edition),
        chain=bytes(row.chain),
        key=None
        if wrapped is None
        else WrappedKey.from_stored(bytes(wrapped), key_id=row.key_id, version=row.key_version),
        copied_from_id=row.copied_from_id,
        copied_from_version=row.copied_from_version,
    )


def _stored_response(row: NamedRow, idempotency: IdempotencyKey | None) -> StoredResponse | None:
    if row.status is None or idempotency is None:
        return None
    if bytes(row.fingerprint) != idempotency.fingerprint:
        raise IdempotencyConflict
    return StoredResponse(row.status, msgspec.json.decode(row.headers), bytes(row.body))
