"""Writes what the sealing run seals besides earlier versions: a copy's next version, and its declinations in place.

The caller owns the transaction and the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections

from batch.changes.records import CopyRecord
from batch.storage.revisions import Revision
from copies.codec import encode
from copies.models import Copy, CopyRevision
from encryption.wrapped_key import WrappedKey
from forms.models import Declination

_NEXT_VERSION: Final = f"""WITH sealed AS (
    UPDATE {Copy._meta.db_table}
       SET version = version + 1, document = %(document)s, evaluation = %(evaluation)s, wrapped_key = %(wrapped)s,
           key_id = %(key_id)s, key_version = %(key_version)s, summary = %(summary)s, search_text = %(text)s,
           search_personal = %(personal)s, updated_at = %(created_at)s, chain = %(chain)s::bytea
     WHERE id = %(copy_id)s AND tenant_id = %(tenant_id)s AND version = %(loaded)s
    RETURNING id)
INSERT INTO {CopyRevision._meta.db_table}
       (copy_id, tenant_id, version, document, evaluation, is_whole, release_id, changes, actor_type, actor_id,
        actor_label, source, correlation_id, created_at, cause_type, cause_id, chain, amends)
SELECT id, %(tenant_id)s, %(version)s, %(document)s, %(evaluation)s, true, %(release_id)s, %(changes)s, %(actor_type)s,
       %(actor_id)s, %(actor_label)s, %(source)s, %(correlation_id)s, %(created_at)s, %(cause_type)s, %(cause_id)s,
       %(chain)s::bytea, %(amends)s::bytea
  FROM sealed
RETURNING version"""  # noqa: S608 - names of our own tables
_DECLINATION: Final = f"UPDATE {Declination._meta.db_table} SET inputs = %s WHERE id = %s"  # noqa: S608


def write_next_version(
    copy: CopyRecord,
    revision: Revision,
    *,
    key: WrappedKey | None,
    columns: Mapping[str, Any],
    alias: str,
) -> bool:
    """Write ``revision``, without changes, as the copy's next version; return False if the copy was saved meanwhile.

    ``columns`` are the new ``summary``, ``text`` and ``personal`` for lists and search.
    """
    parameters = {
        **revision.row,
        "loaded": copy.version,
        "document": revision.whole.document,
        "evaluation": revision.whole.evaluation,
        "changes": encode([]),
        "wrapped": key.to_stored() if key else None,
        "key_id": key.key_id if key else "",
        "key_version": key.version if key else 1,
        **columns,
        "summary": msgspec.json.encode(columns["summary"]).decode(),
    }
    with connections[alias].cursor() as cursor:
        cursor.execute(_NEXT_VERSION, parameters)
        return cursor.fetchone() is not None


def write_inputs(declination_id: UUID, inputs: Mapping[str, Any], *, alias: str) -> None:
    """Replace the inputs of a declination."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_DECLINATION, [msgspec.json.encode(inputs).decode(), declination_id])
