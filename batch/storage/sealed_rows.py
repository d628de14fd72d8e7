"""Writes what the sealing run and the changes of keys seal: a copy's next version without a decision anew, its
declinations in place, and wrapped keys.

The caller owns the transaction and the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections

from batch.changes.records import CopyRecord, SaveContext
from batch.storage.revisions import revision_of, revision_row
from copies.chain import Amendment
from copies.codec import content_of
from copies.models import Copy, CopyRevision
from copies.stored_versions import Content
from encryption.wrapped_key import WrappedKey
from forms.models import Declination

_NEXT_VERSION: Final = f"""WITH sealed AS (
    UPDATE {Copy._meta.db_table}
       SET version = version + 1, document = %(document)s, evaluation = %(evaluation)s, wrapped_key = %(wrapped)s,
           key_id = %(key_id)s, key_version = %(key_version)s,
           summary = COALESCE(summary || %(summary)s::jsonb, summary), search_text = COALESCE(%(text)s, search_text),
           search_personal = COALESCE(%(personal)s, search_personal),
           decided_edition = CASE WHEN %(decide)s AND decided_release_id IS NOT NULL THEN 0 ELSE decided_edition END,
           updated_at = %(created_at)s, chain = %(chain)s::bytea
     WHERE id = %(copy_id)s AND tenant_id = %(tenant_id)s AND version = %(loaded)s
    RETURNING id)
INSERT INTO {CopyRevision._meta.db_table}
       (copy_id, tenant_id, version, document, evaluation, is_whole, release_id, changes, actor_type, actor_id,
        actor_label, source, correlation_id, created_at, cause_type, cause_id, chain, amends)
SELECT id, %(tenant_id)s, %(version)s, %(kept_document)s, %(kept_evaluation)s, %(is_whole)s, %(release_id)s,
       %(changes)s, %(actor_type)s, %(actor_id)s, %(actor_label)s, %(source)s, %(correlation_id)s, %(created_at)s,
       %(cause_type)s, %(cause_id)s, %(chain)s::bytea, %(amends)s::bytea
  FROM sealed
RETURNING version"""  # noqa: S608 - names of our own tables, here and below
#: Not a version: what the keys encrypted is as before. A copy that was saved meanwhile is left to the next pass.
_REWRAP: Final = f"""UPDATE {Copy._meta.db_table} c
   SET wrapped_key = g.after, key_id = g.key_id
  FROM unnest(%(ids)s::uuid[], %(before)s::bytea[], %(after)s::bytea[], %(key_ids)s::text[])
       AS g (id, before, after, key_id)
 WHERE c.id = g.id AND c.tenant_id = %(tenant)s AND c.wrapped_key = g.before"""  # noqa: S608
_DECLINATION: Final = f"UPDATE {Declination._meta.db_table} SET inputs = %s WHERE id = %s"  # noqa: S608


class SealedContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a version: its stored document, evaluation and changes, and the ``amendments`` of the earlier
    versions that were rewritten with it.
    """

    document: bytes
    evaluation: bytes
    changes: bytes
    amendments: Sequence[Amendment] = ()


class ListedColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a copy for lists and search, as far as they change."""

    summary: Mapping[str, Any] | None = None
    text: str | None = None
    personal: str | None = None


class Rewrap(msgspec.Struct, frozen=True):
    """The stored key of a copy before and after it was wrapped anew."""

    copy_id: UUID
    before: bytes
    after: WrappedKey


def write_next_version(
    copy: CopyRecord,
    content: SealedContent,
    *,
    key: WrappedKey | None,
    context: SaveContext,
    alias: str,
    columns: ListedColumns | None = None,
    decide: bool = False,
) -> bool:
    """Write ``content`` as the copy's next version, of the same release; return False if the copy was saved meanwhile.

    With ``decide`` an open copy waits to be decided anew.
    """
    listed = columns or ListedColumns()
    revision = revision_of(
        copy,
        revision_row(copy, context, version=copy.version + 1, release_id=copy.release_id),
        content=Content.of(content.document, content.evaluation),
        changes=content_of(content.changes),
        amendments=content.amendments,
    )
    parameters = {
        **revision.row,
        "loaded": copy.version,
        "document": content.document,
        "evaluation": content.evaluation,
        "changes": content.changes,
        "kept_document": revision.keeps.document,
        "kept_evaluation": revision.keeps.evaluation,
        "wrapped": key.to_stored() if key else None,
        "key_id": key.key_id if key else "",
        "key_version": key.version if key else 1,
        "summary": None if listed.summary is None else msgspec.json.encode(listed.summary).decode(),
        "text": listed.text,
        "personal": listed.personal,
        "decide": decide,
    }
    with connections[alias].cursor() as cursor:
        cursor.execute(_NEXT_VERSION, parameters)
        return cursor.fetchone() is not None


def write_inputs(declination_id: UUID, inputs: Mapping[str, Any], *, alias: str) -> None:
    """Replace the inputs of a declination."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_DECLINATION, [msgspec.json.encode(inputs).decode(), declination_id])


def write_rewraps(rewraps: Sequence[Rewrap], *, tenant_id: UUID, alias: str) -> int:
    """Store the keys that were wrapped anew; return for how many copies, without those that were saved meanwhile."""
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "ids": [rewrap.copy_id for rewrap in rewraps],
        "before": [rewrap.before for rewrap in rewraps],
        "after": [rewrap.after.to_stored() for rewrap in rewraps],
        "key_ids": [rewrap.after.key_id for rewrap in rewraps],
    }
    with connections[alias].cursor() as cursor:
        cursor.execute(_REWRAP, parameters)
        written: int = cursor.rowcount
        return written
