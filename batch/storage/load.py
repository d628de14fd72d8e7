"""Loads copies with their form, what stands beside their documents, and the stored answer to a keyed request: all in
one round trip, whether one copy or many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections

from batch.changes.attached import AttachedRecord
from batch.changes.snapshots import CopyFields, FormFields
from batch.errors import IdempotencyConflict, NotFound
from batch.idempotency import KEPT, IdempotencyKey, StoredResponse
from batch.models import IdempotencyRecord
from batch.storage.tables import TABLES
from copies.models import Copy, CopyRevision
from encryption.key_ring import WrappedKey
from forms.models import ApplicationForm
from tenants.models import Tenant


class FormRecord(msgspec.Struct, frozen=True):
    """The application form as loaded. ``version`` counts the changes of what all its copies share."""

    id: UUID
    catalogue: str
    as_of: date | None
    created_at: datetime
    fields: FormFields = FormFields()
    version: int = 1

    @property
    def deleted_at(self) -> datetime | None:
        """Return when the form was archived, None while it is not."""
        return self.fields.deleted_at


class CopyRecord(msgspec.Struct, frozen=True):
    """The copy's row as loaded; ``document`` and ``evaluation`` are in their stored form.

    ``version`` 0 is a copy not yet saved.
    """

    id: UUID
    application_form_id: UUID
    version: int
    fields: CopyFields
    created_at: datetime
    updated_at: datetime
    last_touched_by_user_at: datetime | None = None
    release_id: int | None = None
    document: bytes = b""
    evaluation: bytes = b""
    key: WrappedKey | None = None


class Loaded(msgspec.Struct, frozen=True):
    """One copy with its form. ``neighbours`` are the rows in force by kind; ``is_last`` where the form has no other
    copy that is not deleted; ``stored_response`` if the request's key was answered before; ``held`` names the process
    that works on the copy, with the end of its hold.
    """

    form: FormRecord
    copy: CopyRecord
    neighbours: Mapping[str, tuple[AttachedRecord, ...]] = {}
    is_last: bool = True
    stored_response: StoredResponse | None = None
    held: tuple[str, datetime] | None = None
    #: The database's time of the load, which the unit of work goes by: processes' clocks may be off.
    now: datetime | None = None


_NEIGHBOURS: Final = [table for table in TABLES if not table.kind.is_appended]
_DECODERS: Final = {
    table.kind.name: msgspec.json.Decoder(tuple[table.kind.struct, ...])  # type: ignore[name-defined]
    for table in _NEIGHBOURS
}
_KINDS: Final = ",\n           ".join(
    f"(SELECT json_agg(r ORDER BY r.created_at, r.id)::text FROM {table.name} r"  # noqa: S608 - our own names
    f" WHERE r.{table.owner} = c.{'application_form_id' if table.kind.of_form else 'id'} AND {table.in_force})"
    for table in _NEIGHBOURS
)
_SELECT: Final = f"""
    SELECT w.id, c.id, c.application_form_id, c.version, c.title, c.owner_id, c.locked_at, c.deleted_at, c.created_at,
           c.updated_at, c.last_touched_by_user_at, c.release_id, c.document, c.evaluation, c.wrapped_key, c.key_id,
           c.key_version,
           c.form_catalogue, c.form_as_of, c.form_created_at, c.form_reference, c.form_deleted_at, c.form_version,
           NOT EXISTS (SELECT 1 FROM {Copy._meta.db_table} o
                        WHERE o.application_form_id = c.application_form_id AND o.id <> c.id AND o.deleted_at IS NULL),
           i.fingerprint, i.status, i.headers::text, i.body,
           statement_timestamp(),
           {_KINDS}
      FROM unnest(%(ids)s::uuid[]) AS w (id)
     CROSS JOIN LATERAL (
           SELECT c.*, f.catalogue AS form_catalogue, f.as_of AS form_as_of, f.created_at AS form_created_at,
                  f.reference AS form_reference, f.deleted_at AS form_deleted_at, f.version AS form_version
             FROM {Copy._meta.db_table} c
             JOIN {ApplicationForm._meta.db_table} f ON f.id = c.application_form_id AND f.tenant_id = c.tenant_id
            WHERE c.tenant_id = %(tenant)s AND (c.id = w.id OR c.application_form_id = w.id)
              AND (%(archived)s OR (c.deleted_at IS NULL AND f.deleted_at IS NULL))
            ORDER BY (c.id = w.id) DESC, c.last_touched_by_user_at DESC NULLS LAST, c.created_at
            LIMIT 1) c
      LEFT JOIN {IdempotencyRecord._meta.db_table} i
        ON i.tenant_id = %(tenant)s AND i.client = %(client)s AND i.key = %(key)s
       AND i.created_at >= statement_timestamp() - %(kept)s"""  # noqa: S608 - only table names are put in
_FIRST_KIND: Final = 29
_STORED_RESPONSE: Final = f"""
    SELECT statement_timestamp(), i.fingerprint, i.status, i.headers::text, i.body
      FROM (VALUES (1)) AS one
      LEFT JOIN {IdempotencyRecord._meta.db_table} i
        ON i.tenant_id = %(tenant)s AND i.client = %(client)s AND i.key = %(key)s
       AND i.created_at >= statement_timestamp() - %(kept)s"""  # noqa: S608


def load(
    form_or_copy_id: UUID, *, scope: Tenant, archived: bool = False, idempotency: IdempotencyKey | None = None
) -> Loaded:  # fmt: skip
    """Return the copy with this id, else the form's copy that a user touched last.

    ``archived`` finds deleted ones too. Raises ``NotFound``, ``IdempotencyConflict``.
    """
    found = load_many([form_or_copy_id], scope=scope, archived=archived, idempotency=idempotency)
    if form_or_copy_id not in found:
        raise NotFound
    return found[form_or_copy_id]


def load_many(
    form_or_copy_ids: Sequence[UUID],
    *,
    scope: Tenant,
    archived: bool = False,
    idempotency: IdempotencyKey | None = None,
) -> dict[UUID, Loaded]:
    """Return what ``load`` returns for each id, by id; those not found are left out."""
    parameters: dict[str, Any] = {
        "ids": list(form_or_copy_ids),
        "tenant": scope.id,
        "archived": archived,
        "client": idempotency.client if idempotency else None,
        "key": idempotency.key if idempotency else None,
        "kept": KEPT,
    }
    with connections[scope.database_alias].cursor() as cursor:
        cursor.execute(_SELECT, parameters)
        rows = cursor.fetchall()
    return {row[0]: _loaded(row, idempotency) for row in rows}


def load_nothing(idempotency: IdempotencyKey | None, *, scope: Tenant) -> tuple[datetime, StoredResponse | None]:
    """Return the database's time, and the stored answer to a keyed request that is about no copy yet.

    Raises ``IdempotencyConflict``.
    """
    parameters: dict[str, Any] = {
        "tenant": scope.id,
        "client": idempotency.client if idempotency else None,
        "key": idempotency.key if idempotency else None,
        "kept": KEPT,
    }
    with connections[scope.database_alias].cursor() as cursor:
        cursor.execute(_STORED_RESPONSE, parameters)
        now, *stored = cursor.fetchall()[0]
    return now, _stored_response(stored, idempotency)


def load_revision(
    loaded: Loaded, *, scope: Tenant, version: int | None = None, moment: datetime | None = None
) -> Loaded:
    """Return ``loaded`` as it stood at ``version``, or at ``moment``. Raises ``NotFound`` where there was none.

    What stands beside the document has no past: it is left out.
    """
    revisions = CopyRevision.objects.using(scope.database_alias).filter(copy_id=loaded.copy.id)
    if version is not None:
        revisions = revisions.filter(version=version)
    if moment is not None:
        revisions = revisions.filter(created_at__lte=moment)
    revision = revisions.order_by("-version").first()
    if revision is None:
        raise NotFound("The copy has no such version.")
    return msgspec.structs.replace(
        loaded,
        copy=msgspec.structs.replace(
            loaded.copy,
            version=revision.version,
            release_id=revision.release_id,
            document=bytes(revision.document),
            evaluation=bytes(revision.evaluation),
            updated_at=revision.created_at,
        ),
        neighbours={},
    )


def _loaded(row: tuple[Any, ...], idempotency: IdempotencyKey | None) -> Loaded:
    neighbours = {
        table.kind.name: _DECODERS[table.kind.name].decode(text)
        for table, text in zip(_NEIGHBOURS, row[_FIRST_KIND:], strict=True)
        if text is not None
    }
    form = FormRecord(row[2], row[17], row[18], row[19], FormFields(row[20], row[21]), row[22])
    stored_response = _stored_response(row[24:28], idempotency)
    held = _hold(neighbours.get("processes", ()), row[28])
    return Loaded(form, _copy(row), neighbours, row[23], stored_response, held, now=row[28])


def _hold(processes: Sequence[Any], now: datetime) -> tuple[str, datetime] | None:
    """Return kind and end of the hold that lasts longest; the database's clock decides, which set it too."""
    holds = [(process.held_until, process.kind) for process in processes if process.held_until is not None]
    until, kind = max(holds, default=(now, ""))
    return (kind, until) if until > now else None


def _copy(row: tuple[Any, ...]) -> CopyRecord:
    key = None if row[14] is None else WrappedKey(bytes(row[14]), row[15], row[16])
    created_at, updated_at, touched_at, release_id, document, evaluation = row[8:14]
    return CopyRecord(
        id=row[1],
        application_form_id=row[2],
        version=row[3],
        fields=CopyFields(*row[4:8]),
        created_at=created_at,
        updated_at=updated_at,
        last_touched_by_user_at=touched_at,
        release_id=release_id,
        document=bytes(document),
        evaluation=bytes(evaluation),
        key=key,
    )


def _stored_response(row: Sequence[Any], idempotency: IdempotencyKey | None) -> StoredResponse | None:
    fingerprint, status, headers, body = row
    if status is None or idempotency is None:
        return None
    if bytes(fingerprint) != idempotency.fingerprint:
        raise IdempotencyConflict
    return StoredResponse(status, msgspec.json.decode(headers), bytes(body))
