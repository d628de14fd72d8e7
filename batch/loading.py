"""Loads one copy with its form, and the stored answer to a keyed request, in one round trip."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections
from django.utils import timezone

from batch.errors import IdempotencyConflict, NotFound
from batch.idempotency import KEPT, IdempotencyKey, StoredResponse
from batch.models import IdempotencyRecord
from batch.mutators.copy_fields import CopyFields
from copies.models import Copy, CopyRevision
from copies.sealing import WrappedKey
from forms.models import ApplicationForm
from tenants.models import Tenant


class FormRecord(msgspec.Struct, frozen=True):
    """The application form as loaded."""

    id: UUID
    catalogue: str
    as_of: date | None
    created_at: datetime
    deleted_at: datetime | None = None


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
    """One copy with its form; ``stored_response`` if the request's key was answered before."""

    form: FormRecord
    copy: CopyRecord
    stored_response: StoredResponse | None = None


_SELECT: Final = f"""
    SELECT c.id, c.application_form_id, c.version, c.title, c.owner_id, c.locked_at, c.deleted_at, c.created_at,
           c.updated_at, c.last_touched_by_user_at, c.release_id, c.document, c.evaluation, c.wrapped_key, c.key_id,
           c.key_version,
           f.catalogue, f.as_of, f.created_at, f.deleted_at,
           i.fingerprint, i.status, i.headers, i.body
      FROM {Copy._meta.db_table} c
      JOIN {ApplicationForm._meta.db_table} f ON f.id = c.application_form_id AND f.tenant_id = c.tenant_id
      LEFT JOIN {IdempotencyRecord._meta.db_table} i
        ON i.tenant_id = c.tenant_id AND i.client = %(client)s AND i.key = %(key)s
       AND i.created_at >= %(kept_from)s
     WHERE c.tenant_id = %(tenant)s AND (c.id = %(id)s OR c.application_form_id = %(id)s)
       AND (%(archived)s OR (c.deleted_at IS NULL AND f.deleted_at IS NULL))
     ORDER BY (c.id = %(id)s) DESC, c.last_touched_by_user_at DESC NULLS LAST, c.created_at
     LIMIT 1"""  # noqa: S608 - only table names are put in


def load(
    form_or_copy_id: UUID, *, scope: Tenant, archived: bool = False, idempotency: IdempotencyKey | None = None
) -> Loaded:  # fmt: skip
    """Return the copy with this id, else the form's copy that a user touched last.

    ``archived`` finds deleted ones too. Raises ``NotFound``, ``IdempotencyConflict``.
    """
    parameters: dict[str, Any] = {
        "id": form_or_copy_id,
        "tenant": scope.id,
        "archived": archived,
        "client": idempotency.client if idempotency else None,
        "key": idempotency.key if idempotency else None,
        "kept_from": timezone.now() - KEPT,
    }
    with connections[scope.database_alias].cursor() as cursor:
        cursor.execute(_SELECT, parameters)
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    return Loaded(_form(row), _copy(row), _stored_response(row[20:], idempotency))


def load_stored_response(idempotency: IdempotencyKey, *, scope: Tenant) -> StoredResponse | None:
    """Return the stored answer to a keyed request that is about no copy yet. Raises ``IdempotencyConflict``."""
    record = (
        IdempotencyRecord.objects.using(scope.database_alias)
        .filter(client=idempotency.client, key=idempotency.key, created_at__gte=timezone.now() - KEPT)
        .values_list("fingerprint", "status", "headers", "body")
        .first()
    )
    return None if record is None else _stored_response(record, idempotency)


def load_revision(
    loaded: Loaded, *, scope: Tenant, version: int | None = None, moment: datetime | None = None
) -> Loaded:
    """Return ``loaded`` as it stood at ``version``, or at ``moment``. Raises ``NotFound`` where there was none."""
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
    )


def _form(row: tuple[Any, ...]) -> FormRecord:
    return FormRecord(row[1], *row[16:20])


def _copy(row: tuple[Any, ...]) -> CopyRecord:
    key = None if row[13] is None else WrappedKey(bytes(row[13]), row[14], row[15])
    created_at, updated_at, touched_at, release_id, document, evaluation = row[7:13]
    return CopyRecord(
        id=row[0],
        application_form_id=row[1],
        version=row[2],
        fields=CopyFields(*row[3:7]),
        created_at=created_at,
        updated_at=updated_at,
        last_touched_by_user_at=touched_at,
        release_id=release_id,
        document=bytes(document),
        evaluation=bytes(evaluation),
        key=key,
    )


def _stored_response(row: tuple[Any, ...], idempotency: IdempotencyKey | None) -> StoredResponse | None:
    fingerprint, status, headers, body = row
    if status is None or idempotency is None:
        return None
    if bytes(fingerprint) != idempotency.fingerprint:
        raise IdempotencyConflict
    if isinstance(headers, str):  # raw SQL gives jsonb as text, the ORM as a dict
        headers = msgspec.json.decode(headers)
    return StoredResponse(status, headers, bytes(body))
