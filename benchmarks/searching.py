"""Measures the search, with misspelled names and common words too, against PostgreSQL's own full text and trigrams
under the same row-level security.

One tenant has nearly all copies. Names are invented words; everything follows from the number of copies.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.rounds import Contender, interleave
from forms.selectors import list_forms
from search.form_search import rank_forms
from search.index import Entry, write_entries
from search.words import Texts
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

QUICK: Final = {"sizes": (300,)}
#: The goal holds up to this number of copies.
GOAL_SIZE: Final = 10_000
#: Copies of the other tenant.
OTHERS: Final = 100
CHUNK: Final = 500
NAME: Final = "Copper Kettle Bistro LLC"
_SYLLABLES: Final = (
    "ba bis blu bor cal co den do et fox gar har hil jo ket lan lee ma mi mo ne no oak pa per phy qui ra ri sil smi "
    "sto sun ta tern tim tle tro vel ver ws yr ze"
).split()
_STATES: Final = ("Texas", "Ohio", "New York", "California", "Florida")

#: The searches of this product, by name.
SEARCHES: Final = {
    "a name": "copper kettle",
    "a misspelt name": "Coper Kettel",
    "words that a fifth of them have": "restaurant texas",
    "a name among words that many have": "kettle restaurant main street",
}
#: The alternative queries to PostgreSQL; each has its index.
OTHERWISE: Final = {
    "full text": ("to_tsvector('simple', search_text) @@ to_tsquery('simple', %s)", "copper & kettle:*"),
    "trigrams, misspelt": ("search_text %%> %s", "coper kettel"),
}


def measure(rounds: int, *, sizes: Sequence[int] = (10_000, 100_000)) -> list[Figure]:
    """Return the milliseconds of each kind of search among that many copies; those of ours with rank and form."""
    return [entry for size in sizes for entry in _measure(rounds, size)]


def _measure(rounds: int, size: int) -> list[Figure]:
    with _filled(size) as (tenant, per_second):
        taken = interleave([Contender(name=name, run=run) for name, run in _runs(tenant)], rounds=rounds)
    goals = {"a misspelt name": "<= 50"} if size <= GOAL_SIZE else {}
    return [
        *(
            figure(f"search {size:,} copies: {name}", "ms", milliseconds(spent), goal=goals.get(name, ""))
            for name, spent in taken.items()
        ),
        figure(f"search {size:,} copies: written into the index", "/s", [per_second]),
    ]


def _runs(tenant: Tenant) -> Iterator[tuple[str, Callable[[int], object]]]:
    for name, text in SEARCHES.items():
        yield name, partial(_search, tenant, text)
    for name, (condition, text) in OTHERWISE.items():
        yield f"{name} under row-level security", partial(_ask, tenant, condition, text)


def _search(tenant: Tenant, text: str, turn: int) -> object:
    with use_tenant(tenant):
        return rank_forms(list_forms(), text, personal=True, limit=26)


def _ask(tenant: Tenant, condition: str, text: str, turn: int) -> object:
    with use_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM copies_copy WHERE tenant_id = %s AND {condition}", [tenant.id, text])
        return cursor.fetchall()


@contextmanager
def _filled(size: int) -> Iterator[tuple[Tenant, float]]:
    """Yield a tenant with ``size`` copies next to one with few, and the number of copies indexed per second.

    One copy is called ``NAME``; all are deleted afterwards.
    """
    tenants = [Tenant.objects.create(code=code, name=code) for code in ("search", "search-others")]
    with connection.cursor() as cursor:
        # Filling and emptying take longer than a save may.
        cursor.execute("SET statement_timeout = 0")
    numbers = random.Random(size)
    words = sorted({_word(numbers) for _ in range(max(1_000, size // 5))})
    try:
        _fill(tenants[1], OTHERS, words, numbers)
        spent = _fill(tenants[0], size, words, numbers)
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute("CREATE INDEX bench_text ON copies_copy USING gin (to_tsvector('simple', search_text))")
            cursor.execute("CREATE INDEX bench_trigrams ON copies_copy USING gin (search_text gin_trgm_ops)")
            for table in ("copies_copy", "search_searchword", "search_searchspelling", "forms_applicationform"):
                cursor.execute(f"VACUUM ANALYZE {table}")
        yield tenants[0], size / spent
    finally:
        _empty(tenants)


def _word(numbers: random.Random) -> str:
    return "".join(numbers.choice(_SYLLABLES) for _ in range(numbers.randint(2, 4)))


def _fill(tenant: Tenant, size: int, words: Sequence[str], numbers: random.Random) -> float:
    """Make ``size`` copies of as many forms; return the seconds that indexing took."""
    spent = 0.0
    for first in range(0, size, CHUNK):
        copies = []
        for place in range(first, min(first + CHUNK, size)):
            name = NAME if place == size // 2 else " ".join((*(numbers.choice(words) for _ in range(3)), "LLC"))
            state, code = numbers.choice(_STATES), numbers.randint(111110, 928120)
            text = f"{name} {state} {code} Restaurant Main Street {numbers.randint(1, 9_999)}"
            personal = f"{numbers.choice(words)} {numbers.choice(words)} {numbers.randint(10**9, 10**10)}"
            copies.append({"id": str(uuid7()), "name": name, "text": text, "personal": personal})
        with use_tenant(tenant), connection.cursor() as cursor:
            cursor.execute(_FORMS, {"tenant": tenant.id, "copies": json.dumps(copies)})
            cursor.execute(_COPIES, {"tenant": tenant.id, "copies": json.dumps(copies)})
        entries = [
            Entry(
                copy_id=UUID(copy["id"]),
                version=1,
                release_id=1,
                texts=Texts(names=copy["name"], others=copy["text"], personal=copy["personal"]),
            )
            for copy in copies
        ]
        begun = time.perf_counter()
        write_entries(entries, tenant=tenant)
        spent += time.perf_counter() - begun
    return spent


def _empty(tenants: Sequence[Tenant]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS bench_text, bench_trigrams")
    for tenant in tenants:
        with use_tenant(tenant), connection.cursor() as cursor:
            for table in (
                "copies_copy", "forms_applicationform", "search_searchword", "search_searchspelling",
                "search_searchentry",
            ):  # fmt: skip
                cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant.id])
        tenant.delete()


_FORMS: Final = """INSERT INTO forms_applicationform
       (id, tenant_id, version, reference, external_id, metadata, catalogue, created_by_type, created_by_id, created_at)
SELECT g.id, %(tenant)s, 1, '', '', '{}', 'search', 'user', '', now()
  FROM json_to_recordset(%(copies)s) AS g (id uuid)"""
_COPIES: Final = """INSERT INTO copies_copy
       (id, tenant_id, application_form_id, title, version, release_id, document, evaluation, key_id, key_version,
        decided_edition, chain, locked_by_id, locked_by_label, lock_reason, summary, search_text, search_personal,
        created_at, updated_at, last_touched_by_user_at)
SELECT g.id, %(tenant)s, g.id, 'Base', 1, 1, '', '', '', 1, 0, '', '', '', '',
       jsonb_build_object('insured', g.name), g.text, g.personal, now(), now(), now()
  FROM json_to_recordset(%(copies)s) AS g (id uuid, name text, text text, personal text)"""
