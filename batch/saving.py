"""Writes one save: everything in one transaction of the tenant's database, or nothing.

The UPDATE names the version that was loaded; that is what keeps two savers apart, whatever became of the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import IntegrityError, OperationalError, transaction
from psycopg.errors import LockNotAvailable

from actions.models import OutboxAction
from batch.errors import IdempotencyInFlight, IdempotencyReplay, LastCopy, StaleChangeset
from batch.idempotency import KEPT, IdempotencyKey, StoredResponse
from batch.models import IdempotencyRecord
from copies.models import Copy, CopyIndex, CopyRevision
from forms.models import ApplicationForm, Declination
from tenants.failpoints import reach
from tenants.models import Tenant


class Save(msgspec.Struct, frozen=True):
    """All that one save writes.

    ``loaded_version`` 0 makes a new copy; ``form`` comes with the first copy of a new form.
    """

    copy_id: UUID
    application_form_id: UUID
    loaded_version: int
    columns: dict[str, Any]
    revision: CopyRevision
    outbox: Sequence[OutboxAction] = ()
    declinations: Sequence[Declination] = ()
    form: ApplicationForm | None = None
    deletes: bool = False


class KeyedResponse(msgspec.Struct, frozen=True):
    """The answer to a keyed request, to be stored with its work."""

    key: IdempotencyKey
    response: StoredResponse


def write(save: Save | None, keyed: KeyedResponse | None, *, scope: Tenant, now: datetime) -> None:
    """Commit ``save`` and ``keyed``, either of which may be None, together.

    Raises ``StaleChangeset`` if another save came first, ``LastCopy`` for the deletion of a form's last copy,
    ``IdempotencyReplay`` or ``IdempotencyInFlight`` if another request with the key came first.
    """
    alias = scope.database_alias
    if save is not None and save.loaded_version == 0:
        _write_index(save, scope)
        reach("index_written")
    reach("write_sending")
    with transaction.atomic(using=alias, durable=True):
        if keyed is not None:
            # First, so that a second request with this key waits here before it does any work.
            _write_response(keyed, scope, now)
        if save is None:
            return
        if save.form is not None:
            save.form.save(using=alias, force_insert=True)
        if save.deletes:
            _keep_one_copy(save, scope)
        _write_copy(save, scope)
        save.revision.save(using=alias, force_insert=True)
        OutboxAction.objects.using(alias).bulk_create(save.outbox)
        Declination.objects.using(alias).bulk_create(save.declinations)


def _write_copy(save: Save, scope: Tenant) -> None:
    copies = Copy.objects.using(scope.database_alias)
    if save.loaded_version == 0:
        copies.bulk_create(
            [Copy(id=save.copy_id, tenant_id=scope.id, application_form_id=save.application_form_id, **save.columns)]
        )
    elif not copies.filter(id=save.copy_id, version=save.loaded_version).update(**save.columns):
        raise StaleChangeset


def _keep_one_copy(save: Save, scope: Tenant) -> None:
    # The form's row is held until the end: of two that delete the last two copies the second one finds none left.
    forms = ApplicationForm.objects.using(scope.database_alias).filter(id=save.application_form_id)
    forms.select_for_update().values_list("id", flat=True).get()
    others = Copy.objects.using(scope.database_alias).filter(application_form_id=save.application_form_id)
    if not others.filter(deleted_at=None).exclude(id=save.copy_id).exists():
        raise LastCopy


def _write_index(save: Save, scope: Tenant) -> None:
    # Before the tenant's own rows: a copy is never without its entry; an entry without its copy is swept away later.
    entry = CopyIndex(copy_id=save.copy_id, application_form_id=save.application_form_id, tenant_id=scope.id)
    CopyIndex.objects.bulk_create([entry], ignore_conflicts=True)


def _write_response(keyed: KeyedResponse, scope: Tenant, now: datetime) -> None:
    record = IdempotencyRecord(
        tenant_id=scope.id,
        client=keyed.key.client,
        key=keyed.key.key,
        fingerprint=keyed.key.fingerprint,
        status=keyed.response.status,
        headers=keyed.response.headers,
        body=keyed.response.body,
        created_at=now,
    )
    expired = IdempotencyRecord.objects.using(scope.database_alias).filter(created_at__lt=now - KEPT)
    expired.filter(client=keyed.key.client, key=keyed.key.key).delete()
    try:
        record.save(using=scope.database_alias, force_insert=True)
    except IntegrityError as error:
        raise IdempotencyReplay from error
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise IdempotencyInFlight from error
        raise
