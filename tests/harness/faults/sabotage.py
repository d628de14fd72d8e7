"""Sabotaged writers, each with one defect: a fault test that does not detect them proves nothing.

They replace ``batch.storage.write.write``, and know only ``SaveRows`` and ``KeyedResponse`` of it. ``careful`` has
no defect: with it every test must pass, or this writer itself is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from actions.models import OutboxAction
from batch.changes.records import SaveRows
from batch.errors import IdempotencyReplay
from batch.idempotency import KeyedResponse
from batch.models import IdempotencyRecord
from batch.storage import write as saving
from batch.storage.tables import TABLE_OF
from copies.models import Copy, CopyIndex, CopyRevision
from failpoints import failpoint
from forms.models import ApplicationForm, Declination
from tenants.models import Tenant

#: The pause of a writer between two pieces, in seconds, so that faults hit the gap.
GAP: Final = 0.005


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Writes one save, statement by statement; each switch that is off breaks one promise."""

    is_fenced: bool = True
    is_one_transaction: bool = True
    is_outbox_inside: bool = True
    keeps_key: bool = True
    commits: bool = True

    def write(
        self, saves: Sequence[SaveRows], keyed: KeyedResponse | None, *, scope: Tenant, companion: None = None
    ) -> set[UUID]:
        """Write the one save of ``saves``, if any, and ``keyed`` as ``batch.storage.write.write`` does."""
        alias = scope.database_alias
        save = next(iter(saves), None)
        failpoint("write_sending")
        is_stale = False
        with self._transaction(alias):
            if keyed is not None and self.keeps_key:
                _write_key(keyed, scope=scope)
            if save is not None:
                is_stale = not self._write_rows(save, scope, alias)
            if is_stale or not self.commits:
                transaction.set_rollback(True, using=alias)
        if save is not None and not is_stale and not self.is_outbox_inside:
            time.sleep(GAP)
            OutboxAction.objects.using(alias).bulk_create(_outbox(save))
        return set() if save is None or is_stale else {save.copy_id}

    def _transaction(self, alias: str) -> AbstractContextManager[Any]:
        return transaction.atomic(using=alias) if self.is_one_transaction else nullcontext()

    def _write_rows(self, save: SaveRows, scope: Tenant, alias: str) -> bool:
        """Write all rows; return whether the copy still had the loaded version."""
        if save.loaded_version == 0:
            CopyIndex.objects.create(
                copy_id=save.copy_id, application_form_id=save.application_form_id, tenant_id=scope.id
            )
        if save.new_form is not None:
            ApplicationForm.objects.using(alias).bulk_create([ApplicationForm(**save.new_form)])
        if save.form is not None:
            forms = ApplicationForm.objects.using(alias).filter(id=save.application_form_id)
            forms.update(**save.form, version=save.form_version + 1)
        self._rest()
        if not self._write_copy(save, alias):
            return False
        self._rest()
        kept = {"is_whole": True, "chain": save.chain, "amends": b""}
        revision = CopyRevision(
            **{**save.revision, **kept}, document=save.document, evaluation=save.evaluation, changes=save.changes
        )
        if self.is_fenced:
            CopyRevision.objects.using(alias).bulk_create([revision])
        else:
            # The version exists already: a writer that trusts the lock alone overwrites it.
            stood = CopyRevision.objects.using(alias).filter(copy_id=save.copy_id, version=revision.version)
            stood.delete()
            CopyRevision.objects.using(alias).bulk_create([revision])
        self._rest()
        if self.is_outbox_inside:
            OutboxAction.objects.using(alias).bulk_create(_outbox(save))
        self._rest()
        for name, rows in save.attached.items():
            model = TABLE_OF[name].model
            fields = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
            model._default_manager.using(alias).bulk_create(
                [model(**_plain(row)) for row in rows],
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=fields,
            )
        self._rest()
        declinations = [Declination(**_plain(row)) for row in save.declinations]
        Declination.objects.using(alias).bulk_create(declinations, ignore_conflicts=not self.is_fenced)
        return True

    def _write_copy(self, save: SaveRows, alias: str) -> bool:
        columns = {
            **save.copy,
            "chain": save.chain,
            "document": save.document,
            "evaluation": save.evaluation,
            "wrapped_key": save.wrapped_key,
        }
        copies = Copy.objects.using(alias)
        if save.loaded_version == 0:
            copies.bulk_create([Copy(**columns)])
            return True
        copies = copies.filter(id=save.copy_id)
        if self.is_fenced:
            copies = copies.filter(version=save.loaded_version)
        return bool(copies.update(**columns))

    def _rest(self) -> None:
        if not self.is_one_transaction:
            time.sleep(GAP)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``row`` with its JSON columns as plain values."""
    return {
        name: msgspec.to_builtins(value) if isinstance(value, dict | list) else value for name, value in row.items()
    }


def _outbox(save: SaveRows) -> list[OutboxAction]:
    return [OutboxAction(**_plain(row)) for row in save.outbox]


def _write_key(keyed: KeyedResponse, *, scope: Tenant) -> None:
    try:
        IdempotencyRecord.objects.using(scope.database_alias).create(
            tenant_id=scope.id,
            client=keyed.key.client,
            key=keyed.key.key,
            fingerprint=keyed.key.fingerprint,
            status=keyed.response.status,
            headers=keyed.response.headers,
            body=keyed.response.body,
            created_at=Now(),
        )
    except IntegrityError as error:
        raise IdempotencyReplay from error


SABOTAGES: Final = {
    "careful": Writer(),
    "unfenced": Writer(is_fenced=False),
    "in_pieces": Writer(is_one_transaction=False),
    "outbox_after": Writer(is_outbox_inside=False),
    "key_dropped": Writer(keeps_key=False),
    "uncommitted": Writer(commits=False),
}


def apply(name: str) -> None:
    """Let this process save by the writer ``name``; "" leaves the product unchanged."""
    if name:
        saving.write = SABOTAGES[name].write
