"""Writes the search index: a copy's entry with its words, never an older version over a newer one. Knows words and
rows, not documents.

The words are rows under an ordinary index, because PostgreSQL uses no index for full-text and trigram operators under
row-level security (docs/adr/0015-search.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections, transaction

from rules.spelling import trigrams_of
from search.models import SearchEntry, SearchSpelling, SearchWord
from search.words import Texts, Weight, weigh
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

#: The version of the word extraction and of the entries; ``rebuild_search`` reads entries of an older one again.
FORMAT: Final = 3

_ENTRIES: Final = SearchEntry._meta.db_table
_WORDS: Final = SearchWord._meta.db_table
_SPELLINGS: Final = SearchSpelling._meta.db_table

_SUBMITTED: Final = """json_to_recordset(%(entries)s) AS g
       (copy_id uuid, version integer, release_id integer, words_digest text)"""
#: The copies of which a writer holds the row: one with a later version would have refused it.
_TAKEN: Final = f"""taken AS MATERIALIZED (
    SELECT e.copy_id FROM {_SUBMITTED} JOIN {_ENTRIES} e ON e.copy_id = g.copy_id AND e.version = g.version
     WHERE e.tenant_id = %(tenant)s)"""  # noqa: S608 - names of our own tables, here and below
_PARAMETERS: Final = {"tenant": "uuid", "entries": "json"}

#: Moves entries to a later version with the same texts; returns their copies. In order, so that two writers never
#: deadlock.
KEEP_WORDS: Final = KeptPlan(
    "search_keep_words",
    f"""WITH known AS MATERIALIZED (
    SELECT e.copy_id, g.version, g.release_id
      FROM {_SUBMITTED} JOIN {_ENTRIES} e ON e.copy_id = g.copy_id
     WHERE e.tenant_id = %(tenant)s AND e.format = {FORMAT} AND e.words_digest = g.words_digest
       AND e.version <= g.version
     ORDER BY e.copy_id FOR UPDATE OF e)
UPDATE {_ENTRIES} e SET version = known.version, release_id = known.release_id, indexed_at = statement_timestamp()
  FROM known WHERE e.copy_id = known.copy_id
RETURNING e.copy_id""",  # noqa: S608
    _PARAMETERS,
    {"copy_id": "uuid"},
)
#: Locks the copies' rows, so that two writers of one copy run one after the other, and the older version writes
#: nothing.
_TAKE: Final = f"""INSERT INTO {_ENTRIES} AS known
       (copy_id, tenant_id, version, release_id, format, indexed_at, words_digest)
SELECT g.copy_id, %(tenant)s, g.version, g.release_id, {FORMAT}, statement_timestamp(), g.words_digest
  FROM {_SUBMITTED}
 ORDER BY g.copy_id
    ON CONFLICT (copy_id) DO UPDATE
   SET version = EXCLUDED.version, release_id = EXCLUDED.release_id, format = EXCLUDED.format,
       indexed_at = EXCLUDED.indexed_at, words_digest = EXCLUDED.words_digest
 WHERE known.version <= EXCLUDED.version"""  # noqa: S608
#: A separate statement: it must see the rows of a writer that the first statement waited for. A word that is known
#: already is left alone: even a conflict that changes nothing writes to its row. By a full join, which PostgreSQL never
#: makes row by row: where it has no statistics yet, it compared each word of fifty copies with all of them.
_PUT: Final = f"""WITH {_TAKEN},
submitted AS MATERIALIZED (
    SELECT g.* FROM json_to_recordset(%(words)s) AS g
           (copy_id uuid, word text, weight smallint, is_personal boolean)
      JOIN taken ON taken.copy_id = g.copy_id),
compared AS MATERIALIZED (
    SELECT g.*, w.id AS known_id, w.weight AS known_weight, w.is_personal AS known_is_personal
      FROM submitted g
      FULL JOIN (
           SELECT w.* FROM taken JOIN {_WORDS} w ON w.copy_id = taken.copy_id) w
        ON w.copy_id = g.copy_id AND w.word = g.word),
gone AS (
    DELETE FROM {_WORDS} w USING compared c WHERE c.word IS NULL AND w.id = c.known_id)
INSERT INTO {_WORDS} AS known (tenant_id, copy_id, word, weight, is_personal)
SELECT %(tenant)s, c.copy_id, c.word, c.weight, c.is_personal FROM compared c
 WHERE c.word IS NOT NULL
   AND (c.known_id IS NULL OR c.known_weight <> c.weight OR c.known_is_personal <> c.is_personal)
    ON CONFLICT (copy_id, word) DO UPDATE
   SET weight = EXCLUDED.weight, is_personal = EXCLUDED.is_personal"""  # noqa: S608
#: Most are known already, and a lookup is cheaper than a conflict. Sorted, so that two writers never deadlock.
_SPELL: Final = f"""INSERT INTO {_SPELLINGS} (tenant_id, trigram, word)
SELECT %(tenant)s, g.trigram, g.word
  FROM json_to_recordset(%(spellings)s) AS g (trigram text, word text)
 WHERE NOT EXISTS (
       SELECT FROM {_SPELLINGS} s WHERE s.tenant_id = %(tenant)s AND s.trigram = g.trigram AND s.word = g.word)
 ORDER BY g.trigram COLLATE "C", g.word COLLATE "C"
    ON CONFLICT DO NOTHING"""  # noqa: S608
#: Writes entries with their words and spellings; returns the copies that were not overtaken by a later version.
WRITE_WORDS: Final = KeptPlan(
    "search_write_words",
    f"WITH {_TAKEN} SELECT copy_id FROM taken",  # noqa: S608
    {**_PARAMETERS, "words": "json", "spellings": "json"},
    {"copy_id": "uuid"},
    before=(_TAKE, _PUT, _SPELL),
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One copy in the search index: its version, the release it was read with, its texts."""

    copy_id: UUID
    version: int
    release_id: int
    texts: Texts

    @cached_property
    def words(self) -> Mapping[str, Weight]:
        """Return the words of the texts; not cut before they are needed, since most saves change no text."""
        return weigh(**self.texts._asdict())


def write_entries(entries: Sequence[Entry], *, tenant: Tenant, rewrite_words: bool = False) -> int:
    """Write the entries; return how many were not overtaken by a later version.

    Words are cut and written only where the texts differ from those of the entry before, or with ``rewrite_words``:
    most saves change none.
    """
    rows = [_row(entry) for entry in entries]
    if not rows:
        return 0
    with use_tenant(tenant):
        kept = (
            set() if rewrite_words else _call(KEEP_WORDS, {"tenant": tenant.id, "entries": _json(rows)}, tenant=tenant)
        )
        changed = [entry for entry in entries if entry.copy_id not in kept]
        written = _write_words(changed, tenant=tenant) if changed else set()
    return len(kept | written)


def _write_words(entries: Sequence[Entry], *, tenant: Tenant) -> set[UUID]:
    """Write the entries with all their words, in one transaction; return the copies that were not overtaken."""
    words = [
        {"copy_id": entry.copy_id, "word": word, "weight": weight.weight, "is_personal": weight.is_personal}
        for entry in entries
        for word, weight in entry.words.items()
    ]
    spellings = [
        {"trigram": trigram, "word": word}
        for word in {word for entry in entries for word in entry.words}
        for trigram in trigrams_of(word)
    ]
    parameters = {
        "tenant": tenant.id,
        "entries": _json([_row(entry) for entry in entries]),
        "words": _json(words),
        "spellings": _json(spellings),
    }
    return _call(WRITE_WORDS, parameters, tenant=tenant)


def _row(entry: Entry) -> dict[str, Any]:
    """Return the entry's row, with a digest of its texts."""
    digest = hashlib.blake2b(msgspec.json.encode(entry.texts), digest_size=16).hexdigest()
    return {
        "copy_id": entry.copy_id,
        "version": entry.version,
        "release_id": entry.release_id,
        "words_digest": digest,
    }


def _call(plan: KeptPlan, parameters: Mapping[str, Any], *, tenant: Tenant) -> set[UUID]:
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(plan.call, parameters)
        return {copy_id for (copy_id,) in cursor.fetchall()}


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
