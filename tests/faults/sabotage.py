"""Writers that are worse than the product's, each in one way: a fault test that does not notice them proves nothing.

They stand in for ``batch.saving.write`` as ``batch.context`` calls it, and know no more of it than ``Save`` and
``KeyedResponse``. ``careful`` is worse in no way: with it every test must pass, or this writer itself is to blame.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from actions.models import OutboxAction
from batch import context
from batch.errors import IdempotencyReplay, LastCopy, StaleChangeset
from batch.models import IdempotencyRecord
from batch.saving import KeyedResponse, Save
from copies.models import Copy, CopyIndex, CopyRevision
from forms.models import Declination
from tenants.failpoints import reach
from tenants.models import Tenant

#: How long a writer rests between two pieces, in seconds, so that faults find the gap.
GAP: Final = 0.005


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Writes one save, statement by statement; each switch that is off takes one promise away."""

    is_fenced: bool = True
    is_one_transaction: bool = True
    is_outbox_inside: bool = True
    keeps_key: bool = True
    commits: bool = True

    def write(self, save: Save | None, keyed: KeyedResponse | None, *, scope: Tenant, now: datetime) -> None:
        """Write ``save`` and ``keyed`` as ``batch.saving.write`` does. Raises the same for the cases tested here."""
        alias = scope.database_alias
        if save is not None and save.loaded_version == 0:
            CopyIndex.objects.create(
                copy_id=save.copy_id, application_form_id=save.application_form_id, tenant_id=scope.id
            )
            reach("index_written")
        reach("write_sending")
        with self._transaction(alias):
            if keyed is not None and self.keeps_key:
                _write_key(keyed, scope=scope, now=now)
            if save is not None:
                self._write_rows(save, scope, alias)
            if not self.commits:
                transaction.set_rollback(True, using=alias)
        if save is not None and not self.is_outbox_inside:
            time.sleep(GAP)
            OutboxAction.objects.using(alias).bulk_create(save.outbox)

    def _transaction(self, alias: str) -> AbstractContextManager[Any]:
        return transaction.atomic(using=alias) if self.is_one_transaction else nullcontext()

    def _write_rows(self, save: Save, scope: Tenant, alias: str) -> None:
        if save.form is not None:
            save.form.save(using=alias, force_insert=True)
        self._rest()
        self._write_copy(save, scope, alias)
        self._rest()
        if self.is_fenced:
            save.revision.save(using=alias, force_insert=True)
        else:
            # The number is taken already: whoever trusts the lock alone writes over what stands there.
            values = {field.attname: getattr(save.revision, field.attname) for field in CopyRevision._meta.fields}
            del values["id"]
            CopyRevision.objects.using(alias).update_or_create(
                defaults=values, copy_id=save.copy_id, version=save.revision.version
            )
        self._rest()
        if self.is_outbox_inside:
            OutboxAction.objects.using(alias).bulk_create(save.outbox)
        self._rest()
        Declination.objects.using(alias).bulk_create(save.declinations, ignore_conflicts=not self.is_fenced)

    def _write_copy(self, save: Save, scope: Tenant, alias: str) -> None:
        copies = Copy.objects.using(alias)
        if save.loaded_version == 0:
            copies.create(
                id=save.copy_id, tenant_id=scope.id, application_form_id=save.application_form_id, **save.columns
            )
            return
        others = copies.filter(application_form_id=save.application_form_id, deleted_at=None).exclude(id=save.copy_id)
        if save.deletes and not others.exists():
            raise LastCopy
        copies = copies.filter(id=save.copy_id)
        if self.is_fenced:
            copies = copies.filter(version=save.loaded_version)
        if not copies.update(**save.columns):
            raise StaleChangeset

    def _rest(self) -> None:
        if not self.is_one_transaction:
            time.sleep(GAP)


def _write_key(keyed: KeyedResponse, *, scope: Tenant, now: datetime) -> None:
    try:
        IdempotencyRecord.objects.using(scope.database_alias).create(
            tenant_id=scope.id,
            client=keyed.key.client,
            key=keyed.key.key,
            fingerprint=keyed.key.fingerprint,
            status=keyed.response.status,
            headers=keyed.response.headers,
            body=keyed.response.body,
            created_at=now,
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
    """Let this process save by the writer ``name``; "" leaves the product as it is."""
    if name:
        context.write = SABOTAGES[name].write
