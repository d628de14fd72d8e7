"""Mappings that are saved by a name, for files with the same columns: saved, listed, proposed, and deleted by the user
or API client who saved them, or by staff.

The first row of a file without a header is taken for the names of its columns: names with personal numbers are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec
import structlog
from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone
from uuid_utils.compat import uuid7

from batch.changes.free_texts import clean_line
from batch.errors import WrongValue
from catalogue import releases
from operations.imports.errors import (
    MappingExists,
    MappingNotFound,
    NotYourMapping,
    TooManyMappings,
    TwoMappings,
    UnknownMapping,
)
from operations.imports.mapping import Targets, check_mapping
from operations.imports.table import LONGEST_NAME as LONGEST_COLUMN
from operations.models import ImportMapping
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The mappings of one tenant.
MOST_MAPPINGS: Final = 100
LONGEST_NAME: Final = 100
#: The type of actors who delete mappings that others saved.
_STAFF: Final = "staff"

#: Two requests count the mappings of a tenant one after the other; the lock ends with the transaction.
_QUEUE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"

audit = structlog.get_logger("partner_engine.audit")


def save_mapping(
    name: str, mapping: Mapping[str, str | None], *, catalogue: str, tenant: Tenant, actor: Actor
) -> ImportMapping:
    """Store ``mapping`` for questions of ``catalogue``, by default the tenant's, under ``name``.

    Raises ``InvalidMapping``, ``MappingExists``, ``TooManyMappings``, ``NoRelease``, and for the name and those of the
    columns ``WrongValue`` and ``LooksSensitive``.
    """
    code = catalogue or tenant.catalogue
    cleaned = clean_line(name, field="name", most=LONGEST_NAME)
    if not cleaned:
        raise WrongValue("name", "write a name")
    for number, column in enumerate(mapping, 1):
        # Stored as the file has it, so that it is found again.
        clean_line(column, field=f"name of column {number}", most=LONGEST_COLUMN)
    check_mapping(mapping, list(mapping), Targets(releases.current(code).compiled))
    with use_tenant(tenant), transaction.atomic(using=tenant.database_alias):
        with connections[tenant.database_alias].cursor() as cursor:
            cursor.execute(_QUEUE, [f"import mappings of {tenant.id}"])
        stored = list(ImportMapping.objects.values_list("name", flat=True))
        row = ImportMapping(
            id=uuid7(),
            tenant_id=tenant.id,
            name=cleaned,
            catalogue=code,
            mapping={column: target or None for column, target in mapping.items()},
            columns_hash=_hash_of(mapping),
            created_by_type=actor.type,
            created_by_id=actor.id,
            created_by_label=actor.label[:200],
            created_at=timezone.now(),
        )
        if row.name in stored:
            raise MappingExists
        if len(stored) >= MOST_MAPPINGS:
            raise TooManyMappings(MOST_MAPPINGS)
        row.save(force_insert=True, using=tenant.database_alias)
    audit.info("audit.import_mapping_saved", mapping=str(row.id), actor=f"{actor.type}:{actor.id}")
    return row


def list_mappings() -> list[ImportMapping]:
    """Return the mappings of the current tenant by name, without their columns."""
    return list(ImportMapping.objects.defer("mapping").order_by("name"))


def find_mapping(mapping_id: UUID) -> ImportMapping:
    """Return a mapping of the current tenant. Raises ``MappingNotFound``."""
    row: ImportMapping | None = ImportMapping.objects.filter(pk=mapping_id).first()
    if row is None:
        raise MappingNotFound
    return row


def delete_mapping(mapping_id: UUID, *, tenant: Tenant, actor: Actor) -> None:
    """Delete a mapping that ``actor`` saved; staff delete every one. Raises ``MappingNotFound``, ``NotYourMapping``."""
    with use_tenant(tenant):
        row = find_mapping(mapping_id)
        if not is_owner(row, actor) and actor.type != _STAFF:
            raise NotYourMapping
        row.delete()
    audit.info("audit.import_mapping_deleted", mapping=str(mapping_id), actor=f"{actor.type}:{actor.id}")


def is_owner(row: ImportMapping, actor: Actor) -> bool:
    """Return whether ``actor`` saved the mapping."""
    return (row.created_by_type, row.created_by_id) == (actor.type, actor.id)


def chosen_mapping(
    sent: Mapping[str, str | None] | None, name: str, *, tenant: Tenant
) -> Mapping[str, str | None] | None:
    """Return the mapping that was ``sent``, or the one that is stored under ``name``; None without both.

    Raises ``UnknownMapping``, ``TwoMappings``.
    """
    if not name:
        return sent
    if sent is not None:
        raise TwoMappings
    with use_tenant(tenant):
        row = ImportMapping.objects.filter(name=name).first()
    if row is None:
        raise UnknownMapping(name)
    stored: dict[str, str | None] = row.mapping
    return stored


def proposed_mappings(columns: Iterable[str], *, catalogue: str) -> QuerySet[ImportMapping]:
    """Return the current tenant's mappings for exactly these ``columns`` and ``catalogue``, the latest first, without
    their contents.
    """
    rows = ImportMapping.objects.filter(catalogue=catalogue, columns_hash=_hash_of(columns))
    return rows.defer("mapping").order_by("-created_at", "-id")


def proposed_names(columns: Iterable[str], *, catalogue: str, tenant: Tenant) -> list[str]:
    """Return the names of ``proposed_mappings``."""
    with use_tenant(tenant):
        return list(proposed_mappings(columns, catalogue=catalogue).values_list("name", flat=True))


def _hash_of(columns: Iterable[str]) -> str:
    """Return SHA-256 of the names of ``columns`` in any order, in hex."""
    return hashlib.sha256(msgspec.json.encode(sorted(set(columns)))).hexdigest()
