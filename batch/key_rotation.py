"""Rotation of keys while the product is in use: wraps the copies' data keys anew with the present key of the service,
or gives copies new data keys.

The state of the rows is the progress of a run: after an interruption the next run does what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from batch import service
from batch.errors import BatchError, StaleChangeset
from batch.storage.sealed_rows import Rewrap, SealedContent, write_next_version, write_rewraps
from carriers.links.link_secrets import seal_link_secrets_anew
from copies.codec import decode_document, encode, encode_document
from copies.models import Copy
from encryption.envelope import DecryptionFailed
from encryption.key_ring import DataKey, key_service
from encryption.wrapped_key import WrappedKey
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from webhooks.signatures import seal_secrets_anew

CHUNK: Final = 200
#: A save in progress writes the key back that it loaded: the next pass finds it. Saves take less than 10 s.
PASSES: Final = 20
#: How long the run waits for a copy that somebody is saving, in seconds.
_WAIT_SECONDS: Final = 10.0
_ACTOR: Final = system_actor("rewrap_keys")

log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class Rotated:
    """The progress of a run at one tenant: copies with keys (``looked_at``), copies whose keys were ``rewrapped``,
    copies with new data keys (``renewed``), ``secrets`` of webhooks and carrier links that were sealed anew, copies
    whose key no service opens (``unreadable``), and copies that were in use all the time (``left``).
    """

    looked_at: int = 0
    rewrapped: int = 0
    renewed: int = 0
    secrets: int = 0
    unreadable: int = 0
    left: int = 0


def rewrap_tenant(tenant: Tenant, *, dry_run: bool = False) -> Iterator[Rotated]:
    """Wrap the data keys of the tenant's copies with the present key of the service, and seal the secrets of its
    webhooks and carrier links, and of the links of all tenants, under the newest master key; yield the progress after
    each chunk of copies.

    A dry run counts and changes nothing. Safe during saves, which do not notice it. Raises ``KeyServiceUnavailable``.
    """
    done = Rotated()
    present = key_service().present_key_id(tenant_id=tenant.id)
    for number in range(PASSES):
        done.left = 0
        for found in _chunks(tenant):
            if number == 0:
                done.looked_at += len(found)
            _rewrap(tenant, found, present, done, dry_run=dry_run, is_first=number == 0)
            yield done
        if not done.left or dry_run:
            break
    done.secrets = seal_secrets_anew(tenant, dry_run=dry_run) + seal_link_secrets_anew(tenant, dry_run=dry_run)
    yield done


def _rewrap(tenant: Tenant, copies: list[Copy], present: str, done: Rotated, *, dry_run: bool, is_first: bool) -> None:
    rewraps: list[Rewrap] = []
    for copy in copies:
        stored = bytes(copy.wrapped_key or b"")  # the query excludes copies without keys
        key = WrappedKey.from_stored(stored, key_id=copy.key_id, version=copy.key_version)
        if key.key_ids == {present}:
            continue
        data_key = DataKey(tenant_id=tenant.id, owner_id=copy.pk, stored=key)
        try:
            data_key.rewrap()
        except DecryptionFailed:
            if is_first:
                log.error("key_unreadable", copy=str(copy.pk), key_id=copy.key_id)
                done.unreadable += 1
            continue
        if data_key.stored is not None:
            rewraps.append(Rewrap(copy.pk, stored, data_key.stored))
    if dry_run or not rewraps:
        done.rewrapped += len(rewraps)
        return
    with use_tenant(tenant):
        written = write_rewraps(rewraps, tenant_id=tenant.id, alias=tenant.database_alias)
    done.rewrapped += written
    done.left += len(rewraps) - written


def renew_copy_keys(tenant: Tenant, *, dry_run: bool = False) -> Iterator[Rotated]:
    """Give each copy with sealed answers a new data key, as a new version in which they are sealed under it; yield the
    progress after each chunk.

    Earlier versions stay sealed under the earlier keys, which are kept for them. Waits for saves, and saves for it.
    """
    done = Rotated()
    for found in _chunks(tenant):
        done.looked_at += len(found)
        for copy in found:
            if dry_run:
                done.renewed += 1
            else:
                _renew(tenant, copy.pk, done)
        yield done
    yield done


def _renew(tenant: Tenant, copy_id: UUID, done: Rotated) -> None:
    try:
        with service.find_and_lock(copy_id, scope=tenant, actor=_ACTOR, archived=True, wait=_WAIT_SECONDS) as context:
            document = decode_document(context.copy.document)
            if not context.sealer.renew_key(document):
                return
            content = SealedContent(
                document=encode_document(document), evaluation=context.copy.evaluation, changes=encode([])
            )
            with use_tenant(tenant):
                written = write_next_version(
                    context.copy,
                    content,
                    key=context.sealer.key,
                    context=context.save_context,
                    alias=tenant.database_alias,
                )
            if not written:
                raise StaleChangeset
            done.renewed += 1
    except DecryptionFailed:
        log.error("key_unreadable", copy=str(copy_id))
        done.unreadable += 1
    except BatchError as error:
        log.warning("key_not_renewed", copy=str(copy_id), reason=error.code)
        done.left += 1


def _chunks(tenant: Tenant) -> Iterator[list[Copy]]:
    """Yield the copies of the tenant that have keys, deleted ones too, in the order of their ids."""
    last: UUID | None = None
    while True:
        with use_tenant(tenant):
            rows = Copy.objects.exclude(wrapped_key=None).order_by("pk")
            rows = rows if last is None else rows.filter(pk__gt=last)
            found = list(rows.only("id", "wrapped_key", "key_id", "key_version")[:CHUNK])
        if not found:
            return
        yield found
        last = found[-1].pk
