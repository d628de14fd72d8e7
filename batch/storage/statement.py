"""Composes the one statement of a save: its parts are common table expressions that depend on ``saved``.

Rows go to PostgreSQL as JSON and become rows of their table there, so the text of the statement is the same for one row
and for thousands. Bytes are separate parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from django.db import DEFAULT_DB_ALIAS, models

from actions.models import OutboxAction
from batch.changes.records import SaveRows
from batch.idempotency import KEPT, KeyedResponse
from batch.models import IdempotencyRecord
from batch.storage.tables import TABLES
from copies.models import Copy, CopyIndex, CopyRevision
from forms.models import ApplicationForm, Declination
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

Parameters: TypeAlias = dict[str, Any]
Saves: TypeAlias = Sequence[SaveRows]

_BYTES: Final = ("document", "evaluation", "wrapped_key")


def _columns(model: type[models.Model], *, but: Iterable[str] = ()) -> tuple[str, ...]:
    left_out = set(but)
    return tuple(field.attname for field in model._meta.concrete_fields if field.attname not in left_out)


def _listed(columns: Iterable[str], alias: str = "") -> str:
    return ", ".join(f"{alias}.{column}" if alias else column for column in columns)


_COPY: Final = _columns(Copy, but=_BYTES)
_COPY_FIXED: Final = frozenset(
    {"id", "tenant_id", "application_form_id", "created_at", "copied_from_id", "copied_from_version"}
)
_COPY_CHANGED: Final = [name for name in _COPY if name not in _COPY_FIXED]
_REVISION: Final = _columns(CopyRevision, but=("id", "document", "evaluation", "changes"))

#: The columns of ``content`` that are bytes.
_CONTENT_BYTES: Final = ("document", "evaluation", "changes", "wrapped_key", "document_delta", "evaluation_delta")
#: The copies' bytes, each once: a revision that is kept whole takes them from here too.
_CONTENT: Final = f"""content AS (
    SELECT * FROM unnest(%(ids)s::uuid[], {", ".join(f"%({name})s::bytea[]" for name in _CONTENT_BYTES)})
        AS g (copy_id, {_listed(_CONTENT_BYTES)}))"""  # noqa: S608 - names of our own columns
_UPDATED: Final = f"""updated AS (
    UPDATE {Copy._meta.db_table} c
       SET {", ".join(f"{name} = g.{name}" for name in _COPY_CHANGED)},
           {", ".join(f"{name} = b.{name}" for name in _BYTES)}
      FROM json_populate_recordset(NULL::{Copy._meta.db_table}, %(copies)s) g
      JOIN content b ON b.copy_id = g.id
     WHERE c.id = g.id AND c.tenant_id = g.tenant_id AND c.version = g.version - 1 AND g.version > 1{{fence}}
    RETURNING c.id, c.application_form_id)"""  # noqa: S608 - names of our own tables and columns, here and below
_ADDED: Final = f"""added AS (
    INSERT INTO {Copy._meta.db_table} ({_listed((*_COPY, *_BYTES))})
    SELECT {_listed(_COPY, "g")}, {_listed(_BYTES, "b")}
      FROM json_populate_recordset(NULL::{Copy._meta.db_table}, %(copies)s) g
      JOIN content b ON b.copy_id = g.id
     WHERE g.version = 1{{fence}}
       AND (g.application_form_id = ANY (%(new_form_ids)s)
            OR EXISTS (SELECT 1 FROM {ApplicationForm._meta.db_table} f
                        WHERE f.id = g.application_form_id AND f.deleted_at IS NULL))
    RETURNING id, application_form_id)"""  # noqa: S608
_REVISED: Final = f"""revised AS (
    INSERT INTO {CopyRevision._meta.db_table} ({_listed(_REVISION)}, document, evaluation, changes)
    SELECT {_listed(_REVISION, "g")}, coalesce(b.document_delta, b.document),
           coalesce(b.evaluation_delta, b.evaluation), b.changes
      FROM json_populate_recordset(NULL::{CopyRevision._meta.db_table}, %(revisions)s) g
      JOIN saved ON saved.id = g.copy_id
      JOIN content b ON b.copy_id = g.copy_id)"""  # noqa: S608
#: The fields of all copies of a form have a version of their own: of two copies that change them the later is stale.
_FENCED: Final = f"""fenced AS (
    SELECT g.copy_id
      FROM json_to_recordset(%(forms)s) AS g (copy_id uuid, id uuid, version integer)
      JOIN {ApplicationForm._meta.db_table} f ON f.id = g.id AND f.version = g.version
       FOR UPDATE OF f)"""  # noqa: S608
_FENCE: Final = " AND (g.id <> ALL (%(fenced)s) OR g.id IN (SELECT copy_id FROM fenced))"
_FORM_CHANGED: Final = f"""form_changed AS (
    UPDATE {ApplicationForm._meta.db_table} f
       SET reference = g.reference, external_id = g.external_id, metadata = g.metadata, deleted_at = g.deleted_at,
           base_copy_id = g.base_copy_id, version = f.version + 1
      FROM json_to_recordset(%(forms)s)
           AS g (copy_id uuid, id uuid, reference text, external_id text, metadata jsonb, deleted_at timestamptz,
                 base_copy_id uuid)
      JOIN saved ON saved.id = g.copy_id
     WHERE f.id = g.id)"""  # noqa: S608
_FORM_ADDED: Final = f"""form_added AS (
    INSERT INTO {ApplicationForm._meta.db_table} ({_listed(_columns(ApplicationForm))})
    SELECT {_listed(_columns(ApplicationForm), "g")}
      FROM json_populate_recordset(NULL::{ApplicationForm._meta.db_table}, %(new_forms)s) g)"""  # noqa: S608
_INDEX: Final = f"""INSERT INTO {CopyIndex._meta.db_table} ({_listed(_columns(CopyIndex))})
    SELECT {_listed(_columns(CopyIndex), "g")}
      FROM json_populate_recordset(NULL::{CopyIndex._meta.db_table}, %(index)s) g
    ON CONFLICT DO NOTHING"""  # noqa: S608
_KEYED: Final = f"""INSERT INTO {IdempotencyRecord._meta.db_table}
           (tenant_id, client, key, fingerprint, status, headers, body, created_at)
    SELECT %(tenant)s, %(client)s, %(key)s, %(fingerprint)s, %(status)s, %(headers)s::jsonb, %(body)s,
           statement_timestamp()"""  # noqa: S608
_KEYED_OF_SAVE: Final = f"keyed AS ({_KEYED} FROM saved LIMIT 1)"
_EXPIRED: Final = f"""DELETE FROM {IdempotencyRecord._meta.db_table}
     WHERE tenant_id = %(tenant)s AND client = %(client)s AND key = %(key)s
       AND created_at < statement_timestamp() - %(kept)s;\n"""  # noqa: S608


def _rows(name: str, model: type[models.Model], *, kept: Iterable[str] | None = None) -> str:
    """Return the part that inserts the rows of ``model`` whose copy, in ``<name>_saves``, was saved; with ``kept`` it
    updates rows that exist, all columns but those.
    """
    table, columns = model._meta.db_table, _columns(model)
    upsert = ""
    if kept is not None:
        fixed = {"id", "tenant_id", "copy_id", "application_form_id", "created_at", *kept}
        changed = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns if column not in fixed)
        upsert = f" ON CONFLICT (id) DO UPDATE SET {changed}"
    return f"""put_{name} AS (
    INSERT INTO {table} ({_listed(columns)})
    SELECT {_listed(columns, "r")}
      FROM ROWS FROM (json_populate_recordset(NULL::{table}, %({name})s), unnest(%({name}_saves)s::uuid[])) AS r
      JOIN saved ON saved.id = r.unnest{upsert})"""  # noqa: S608


_Reader: TypeAlias = Callable[[SaveRows], Sequence[Mapping[str, Any]]]


def _attached_of(kind: str) -> _Reader:
    return lambda save: save.attached.get(kind, ())


#: The rows of other tables: their part of the statement, and their place in a save.
_OTHER_TABLES: Final[Mapping[str, tuple[str, _Reader]]] = {
    "outbox": (_rows("outbox", OutboxAction), lambda save: save.outbox),
    "declinations": (_rows("declinations", Declination), lambda save: save.declinations),
    **{
        table.kind.name: (
            _rows(table.kind.name, table.model, kept=None if table.kind.append_only else table.kind.unsaved_columns),
            _attached_of(table.kind.name),
        )
        for table in TABLES
    },
}


def compose(saves: Saves, keyed: KeyedResponse | None, scope: Tenant) -> tuple[str, Parameters]:
    """Return text and parameters of the statement that writes ``saves`` and ``keyed``; it returns the saved ids."""
    parameters: Parameters = {}
    first = ""
    if keyed is not None:
        first = _EXPIRED
        parameters |= _keyed_parameters(keyed, scope)
        if not saves:
            return f"{first}{_KEYED} RETURNING id", parameters
    parts = [*_copies(saves, parameters), *_forms(saves, parameters), *_other_tables(saves, parameters)]
    if scope.database_alias == DEFAULT_DB_ALIAS and (entries := index_entries(saves, scope)):
        parts.append(f"indexed AS ({entries[0]})")
        parameters |= entries[1]
    if keyed is not None:
        parts.append(_KEYED_OF_SAVE)
    text = _with(parts)
    # A chunk is planned by the number of its copies, once for all of them.
    kept = KEPT_SAVES.get(text) if len(saves) == 1 else None
    return f"{first}{kept.call if kept else text}", parameters


def _with(parts: Iterable[str]) -> str:
    return f"WITH {', '.join(parts)}\nSELECT id FROM saved"


def _kept(*more: str, parameters: Mapping[str, str]) -> KeptPlan:
    """Return the plan of a save that changes a copy and emits actions."""
    parts = (_CONTENT, _UPDATED.format(fence=""), _saved("updated"), _REVISED, _OTHER_TABLES["outbox"][0], *more)
    arrays = dict.fromkeys(_CONTENT_BYTES, "bytea[]")
    rows = dict.fromkeys(("copies", "revisions", "outbox"), "json")
    saves = {"ids": "uuid[]", "outbox_saves": "uuid[]"}
    return KeptPlan("batch_save", _with(parts), {**saves, **arrays, **rows, **parameters}, {"id": "uuid"})


def _saved(*found: str) -> str:
    return f"saved AS ({' UNION ALL '.join(f'SELECT id, application_form_id FROM {name}' for name in found)})"  # noqa: S608


#: The saves of nearly all requests, without and with a key, by their text.
KEPT_SAVES: Final = {
    plan.text: plan
    for plan in (
        _kept(parameters={}),
        _kept(
            _KEYED_OF_SAVE,
            parameters={
                "tenant": "uuid", "client": "text", "key": "text", "fingerprint": "bytea", "status": "integer",
                "headers": "text", "body": "bytea",
            },
        ),
    )
}  # fmt: skip


def index_entries(saves: Saves, scope: Tenant) -> tuple[str, Parameters] | None:
    """Return the statement that gives new copies their entries in the shared index, None without new ones."""
    entries = [
        {
            "copy_id": save.copy_id,
            "application_form_id": save.application_form_id,
            "tenant_id": scope.id,
            "created_at": save.copy["created_at"],
        }
        for save in saves
        if save.loaded_version == 0
    ]
    return (_INDEX, {"index": _json(entries)}) if entries else None


def _copies(saves: Saves, parameters: Parameters) -> list[str]:
    deltas = [save.delta or (None, None) for save in saves]
    parameters["ids"] = _ids(save.copy_id for save in saves)
    parameters["document"] = _array(save.document for save in saves)
    parameters["evaluation"] = _array(save.evaluation for save in saves)
    parameters["changes"] = _array(save.changes for save in saves)
    parameters["wrapped_key"] = _array(save.wrapped_key for save in saves)
    parameters["document_delta"] = _array(document for document, _ in deltas)
    parameters["evaluation_delta"] = _array(evaluation for _, evaluation in deltas)
    parameters["copies"] = _json([save.copy for save in saves])
    parameters["revisions"] = _json([save.revision for save in saves])
    parts = [_CONTENT]
    fenced = [save.copy_id for save in saves if save.form is not None]
    if fenced:
        parameters["fenced"] = fenced
        parts.append(_FENCED)
    kinds = {bool(save.loaded_version) for save in saves}
    found = []
    if True in kinds:
        parts.append(_UPDATED.format(fence=_FENCE if fenced else ""))
        found.append("updated")
    if False in kinds:
        parts.append(_ADDED.format(fence=_FENCE if fenced else ""))
        parameters["new_form_ids"] = [save.application_form_id for save in saves if save.new_form is not None]
        found.append("added")
    return [*parts, _saved(*found), _REVISED]


def _forms(saves: Saves, parameters: Parameters) -> list[str]:
    parts = []
    changed = [
        {"copy_id": save.copy_id, "id": save.application_form_id, "version": save.form_version, **save.form}
        for save in saves
        if save.form is not None
    ]
    if changed:
        parameters["forms"] = _json(changed)
        parts.append(_FORM_CHANGED)
    new = [save.new_form for save in saves if save.new_form is not None]
    if new:
        parameters["new_forms"] = _json(new)
        parts.append(_FORM_ADDED)
    return parts


def _other_tables(saves: Saves, parameters: Parameters) -> list[str]:
    parts = []
    for name, (part, read) in _OTHER_TABLES.items():
        rows = [(save.copy_id, row) for save in saves for row in read(save)]
        if rows:
            parameters[name] = _json([row for _, row in rows])
            parameters[f"{name}_saves"] = _ids(copy_id for copy_id, _ in rows)
            parts.append(part)
    return parts


def _keyed_parameters(keyed: KeyedResponse, scope: Tenant) -> Parameters:
    return {
        "tenant": scope.id,
        "client": keyed.key.client,
        "key": keyed.key.key,
        "fingerprint": keyed.key.fingerprint,
        "status": keyed.response.status,
        "headers": _json(keyed.response.headers),
        "body": keyed.response.body,
        "kept": KEPT,
    }


def _ids(identities: Iterable[UUID]) -> str:
    """Return ``identities`` as PostgreSQL reads an array of them."""
    return f"{{{','.join(map(str, identities))}}}"


def _array(values: Iterable[bytes | None]) -> str:
    """Return ``values`` as PostgreSQL reads an array of bytes; the driver's own form of a list takes three times as
    long.
    """
    written = ("NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values)
    return f"{{{','.join(written)}}}"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
