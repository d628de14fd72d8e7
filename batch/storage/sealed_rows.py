"""Writes what the sealing run seals: a copy's next version, its earlier versions and its declinations in place.

The caller owns the transaction and the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections

from batch.changes.records import CopyRecord, SaveContext
from copies.models import Copy, CopyRevision
from encryption.wrapped_key import WrappedKey
from forms.models import Declination

_NEXT_VERSION: Final = f"""WITH sealed AS (
    UPDATE {Copy._meta.db_table}
       SET version = version + 1, document = %(document)s, evaluation = %(evaluation)s, wrapped_key = %(wrapped)s,
           key_id = %(key_id)s, key_version = %(key_version)s, summary = %(summary)s, search_text = %(text)s,
           search_personal = %(personal)s, updated_at = %(now)s
     WHERE id = %(id)s AND tenant_id = %(tenant)s AND version = %(version)s
    RETURNING id, tenant_id, version, document, evaluation, release_id)
INSERT INTO {CopyRevision._meta.db_table}
       (copy_id, tenant_id, version, document, evaluation, release_id, changes, actor_type, actor_id, actor_label,
        source, correlation_id, created_at)
SELECT id, tenant_id, version, document, evaluation, release_id, %(changes)s, %(actor_type)s, %(actor_id)s,
       %(actor_label)s, %(source)s, %(correlation_id)s, %(now)s
  FROM sealed
RETURNING version"""  # noqa: S608 - names of our own tables, here and below
_REVISION: Final = f"""UPDATE {CopyRevision._meta.db_table}
   SET document = %s, evaluation = %s, changes = %s WHERE id = %s"""  # noqa: S608
_DECLINATION: Final = f"UPDATE {Declination._meta.db_table} SET inputs = %s WHERE id = %s"  # noqa: S608


class SealedContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a version: its stored document, evaluation and changes."""

    document: bytes
    evaluation: bytes
    changes: bytes


def write_next_version(
    copy: CopyRecord,
    content: SealedContent,
    *,
    key: WrappedKey | None,
    columns: Mapping[str, Any],
    context: SaveContext,
    alias: str,
) -> bool:
    """Write ``content`` as the copy's next version, of the same release; return False if the copy was saved meanwhile.

    ``columns`` are the new ``summary``, ``text`` and ``personal`` for lists and search.
    """
    parameters = {
        "id": copy.id,
        "tenant": context.tenant_id,
        "version": copy.version,
        "now": context.now,
        "wrapped": key.to_stored() if key else None,
        "key_id": key.key_id if key else "",
        "key_version": key.version if key else 1,
        "actor_type": context.actor.type,
        "actor_id": context.actor.id,
        "actor_label": context.actor.label,
        "source": context.actor.source,
        "correlation_id": context.correlation_id,
        **msgspec.structs.asdict(content),
        **columns,
        "summary": msgspec.json.encode(columns["summary"]).decode(),
    }
    with connections[alias].cursor() as cursor:
        cursor.execute(_NEXT_VERSION, parameters)
        return cursor.fetchone() is not None


def write_earlier_version(revision_id: int, content: SealedContent, *, alias: str) -> None:
    """Replace the content of an earlier version."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_REVISION, [content.document, content.evaluation, content.changes, revision_id])


def write_inputs(declination_id: UUID, inputs: Mapping[str, Any], *, alias: str) -> None:
    """Replace the inputs of a declination."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_DECLINATION, [msgspec.json.encode(inputs).decode(), declination_id])
