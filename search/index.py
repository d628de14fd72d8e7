"""Writes the search index: a copy's entry with its words, never an older version over a newer one. Knows words and
rows, not documents.

The words are rows under an ordinary index, because PostgreSQL uses no index for full-text and trigram operators under
row-level security (docs/adr/0015-search.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from django.db import connections, transaction

from rules.spelling import trigrams_of
from search.models import SearchEntry, SearchSpelling, SearchWord
from search.words import Weight
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The version of the word extraction; ``rebuild_search`` reads entries of an older one again.
FORMAT: Final = 2

_ENTRIES: Final = SearchEntry._meta.db_table
_WORDS: Final = SearchWord._meta.db_table
_SPELLINGS: Final = SearchSpelling._meta.db_table

#: Locks the copies' rows, so that two writers of one copy run one after the other, and the older version writes
#: nothing.
_TAKE: Final = f"""INSERT INTO {_ENTRIES} AS known (copy_id, tenant_id, version, release_id, format, indexed_at)
SELECT g.copy_id, %(tenant)s, g.version, g.release_id, {FORMAT}, statement_timestamp()
  FROM json_to_recordset(%(entries)s) AS g (copy_id uuid, version integer, release_id integer)
 ORDER BY g.copy_id
    ON CONFLICT (copy_id) DO UPDATE
   SET version = EXCLUDED.version, release_id = EXCLUDED.release_id, format = EXCLUDED.format,
       indexed_at = EXCLUDED.indexed_at
 WHERE known.version <= EXCLUDED.version
RETURNING copy_id"""  # noqa: S608 - names of our own tables, here and below
#: A separate statement: it must see the rows of a writer that the first statement waited for.
_PUT: Final = f"""WITH given AS (
    SELECT * FROM json_to_recordset(%(words)s) AS g (copy_id uuid, word text, weight smallint, is_personal boolean)),
gone AS (
    DELETE FROM {_WORDS} w
     WHERE w.copy_id = ANY(%(copies)s)
       AND NOT EXISTS (SELECT FROM given g WHERE g.copy_id = w.copy_id AND g.word = w.word))
INSERT INTO {_WORDS} AS known (tenant_id, copy_id, word, weight, is_personal)
SELECT %(tenant)s, g.copy_id, g.word, g.weight, g.is_personal FROM given g
    ON CONFLICT (copy_id, word) DO UPDATE
   SET weight = EXCLUDED.weight, is_personal = EXCLUDED.is_personal
 WHERE (known.weight, known.is_personal) <> (EXCLUDED.weight, EXCLUDED.is_personal)"""  # noqa: S608
#: Most are known already, and a lookup is cheaper than a conflict. Sorted, so that two writers never deadlock.
_SPELL: Final = f"""INSERT INTO {_SPELLINGS} (tenant_id, trigram, word)
SELECT %(tenant)s, g.trigram, g.word
  FROM json_to_recordset(%(spellings)s) AS g (trigram text, word text)
 WHERE NOT EXISTS (
       SELECT FROM {_SPELLINGS} s WHERE s.tenant_id = %(tenant)s AND s.trigram = g.trigram AND s.word = g.word)
 ORDER BY g.trigram COLLATE "C", g.word COLLATE "C"
    ON CONFLICT DO NOTHING"""  # noqa: S608


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One copy in the search index: its version, the release it was read with, its words."""

    copy_id: UUID
    version: int
    release_id: int
    words: Mapping[str, Weight]


def write_entries(entries: Sequence[Entry], *, tenant: Tenant) -> int:
    """Write the entries in one transaction; return how many were not overtaken by a later version."""
    if not entries:
        return 0
    alias = tenant.database_alias
    claimed = [{"copy_id": e.copy_id, "version": e.version, "release_id": e.release_id} for e in entries]
    with use_tenant(tenant), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_TAKE, {"tenant": tenant.id, "entries": _json(claimed)})
        taken = {copy_id for (copy_id,) in cursor.fetchall()}
        words = [
            {"copy_id": entry.copy_id, "word": word, "weight": weight.weight, "is_personal": weight.is_personal}
            for entry in entries
            if entry.copy_id in taken
            for word, weight in entry.words.items()
        ]
        cursor.execute(_PUT, {"tenant": tenant.id, "copies": list(taken), "words": _json(words)})
        spellings = [
            {"trigram": trigram, "word": word}
            for word in {row["word"] for row in words}
            for trigram in trigrams_of(str(word))
        ]
        cursor.execute(_SPELL, {"tenant": tenant.id, "spellings": _json(spellings)})
    return len(taken)


def remove_entries(copy_ids: Collection[UUID], *, tenant: Tenant) -> int:
    """Remove copies from the index in one transaction; return how many were in it."""
    if not copy_ids:
        return 0
    with use_tenant(tenant), transaction.atomic(using=tenant.database_alias):
        SearchWord.objects.filter(copy_id__in=copy_ids).delete()
        removed, _ = SearchEntry.objects.filter(copy_id__in=copy_ids).delete()
    return removed


def forget_unused_spellings(*, tenant: Tenant) -> int:
    """Delete words that no copy of the tenant contains any more; return the number of rows."""
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(
            f"""DELETE FROM {_SPELLINGS} s
                 WHERE s.tenant_id = %(tenant)s
                   AND NOT EXISTS (
                       SELECT FROM {_WORDS} w WHERE w.tenant_id = %(tenant)s AND w.word = s.word)""",  # noqa: S608
            {"tenant": tenant.id},
        )
        return int(cursor.rowcount)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
