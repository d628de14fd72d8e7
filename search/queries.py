"""Finds copies by their words in the search index, by prefixes of ids, and by similar spellings.

Every condition on a row is equality or order, which PostgreSQL can evaluate on an index under row-level security
(docs/adr/0015-search.md). Copies whose entries are not written yet are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from django.db import connections, router
from django.db.models import Count

from copies.models import Copy
from rules.spelling import alike, trigrams_of
from search.index import Entry
from search.models import SearchSpelling, SearchWord
from search.words import joined_words_of, words_of
from tenants.current_tenant import NoTenant, current_scope

#: Further words of a search are ignored.
MOST_WORDS: Final = 8
#: Up to this many matches are returned as ids, more as a condition.
MOST_IDS: Final = 2_000
#: A copy can have several rows for one sought word: longer words, other spellings, its id and its form's. A word of
#: more rows than so many for each of ``MOST_IDS`` copies counts as common.
_MOST_ROWS_PER_COPY: Final = 4
#: How many words can replace a misspelled one, and how many candidates are compared with it.
_MOST_SPELLINGS: Final = 6
_MOST_COMPARED: Final = 200
#: The score of a matched word, times its weight: as a whole word, as a prefix of a longer one; and of a whole id.
_WHOLE: Final = 100
_BEGINNING: Final = 70
_ID: Final = 1_000
#: Shorter words are not matched as prefixes: there would be too many matches.
_SHORT: Final = 1
_LAST: Final = "\U0010ffff"

_WORDS: Final = SearchWord._meta.db_table
_COPIES: Final = Copy._meta.db_table


class Hits(NamedTuple):
    """The matches of a search: ``scores`` by copy if these are few, else None; ``sql`` returns ``copy_id, score``."""

    scores: Mapping[UUID, int] | None
    sql: str
    parameters: tuple[Any, ...]


#: Statements that find one word, with their parameters.
_Parts: TypeAlias = list[tuple[str, list[Any]]]


class _Readable(NamedTuple):
    """What a search reads: personal words or not, pending copies from ``pending``; ``among`` these copies alone."""

    sees_personal: bool
    pending: Sequence[Entry]
    among: list[UUID] | None = None


class _Sought(NamedTuple):
    """One word of a search; ``spellings`` are words that it may be a misspelling of."""

    word: str
    ids: tuple[UUID, UUID] | None
    spellings: Mapping[str, float]


def find_hits(text: str, *, sees_personal: bool, pending: Sequence[Entry] = ()) -> Hits:
    """Return the copies of the scope that contain every word of ``text``, as a whole word or as a prefix; a word of
    four or more hexadecimal digits also matches the beginning of an id. Without a match, single letters are joined to
    the next word, and then similar words are tried.

    ``pending`` copies are read in place of their entries. Raises ``NoTenant``.
    """
    sought = [_Sought(word, ids, {}) for word, ids in _terms(text)]
    found = _run(sought, sees_personal=sees_personal, pending=pending)
    if found.scores or found.scores is None:
        return found
    joined = [_Sought(word, None, {}) for word in joined_words_of(text)[:MOST_WORDS]]
    if {one.word for one in joined} != {one.word for one in sought}:
        found_joined = _run(joined, sees_personal=sees_personal, pending=pending)
        if found_joined.scores or found_joined.scores is None:
            return found_joined
    spelt = [_Sought(one.word, one.ids, _spellings(one.word, pending)) for one in sought]
    return _run(spelt, sees_personal=sees_personal, pending=pending) if any(one.spellings for one in spelt) else found


def id_range(prefix: str) -> tuple[UUID, UUID] | None:
    """Return the first and last UUID that begin with ``prefix``; None if it is invalid or too short."""
    digits = prefix.replace("-", "").lower()
    if not 4 <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _terms(text: str) -> list[tuple[str, tuple[UUID, UUID] | None]]:
    """Return the words of ``text``, each with the ids that it may begin; an id is one word, including its dashes."""
    found: dict[str, tuple[UUID, UUID] | None] = {}
    for part in text.split():
        ids = id_range(part)
        if ids and "-" in part:
            found[part.lower()] = ids
            continue
        for word in words_of(part):
            found.setdefault(word, id_range(word))
    return list(found.items())[:MOST_WORDS]


def _run(sought: Sequence[_Sought], *, sees_personal: bool, pending: Sequence[Entry]) -> Hits:
    if not sought:
        return Hits({}, *_compose([]))
    readable = _Readable(sees_personal, pending)
    rarest = _matches_of_rarest([_parts(place, one, readable) for place, one in enumerate(sought)])
    if rarest == []:
        return Hits({}, *_compose([]))
    if rarest is not None:
        # Of the other words only those of these copies are read, however many copies share them.
        readable = readable._replace(among=rarest)
    sql, parameters = _compose([_parts(place, one, readable) for place, one in enumerate(sought)])
    with connections[router.db_for_read(Copy)].cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {MOST_IDS + 1}", parameters)
        rows = cursor.fetchall()
    return Hits(dict(rows) if len(rows) <= MOST_IDS else None, sql, parameters)


def _matches_of_rarest(words: Sequence[_Parts]) -> list[UUID] | None:
    """Return the copies with the word that fewest have; None for a single word, or if all words have many."""
    if len(words) == 1:
        return None
    # A copy counts once, however many of its words match. Reading ends at a bound, so that a common word stays cheap.
    most = _MOST_ROWS_PER_COPY * MOST_IDS
    matches = (
        f"(SELECT CASE WHEN count(*) <= {most} THEN coalesce(array_agg(DISTINCT copy_id), '{{}}') END"  # noqa: S608 - parts of this module
        f" FROM (SELECT copy_id FROM ({_union(parts)}) AS found (copy_id, place, score) LIMIT {most + 1}) AS first)"
        for parts in words
    )
    with connections[router.db_for_read(Copy)].cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(matches)}", [value for parts in words for _, given in parts for value in given]
        )
        found: list[list[UUID]] = [copies for copies in cursor.fetchone() if copies is not None]
    fewest = min(found, key=len, default=None)
    return fewest if fewest is not None and len(fewest) <= MOST_IDS else None


def _compose(words: Sequence[_Parts]) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that selects each copy in which every word is found, with its score."""
    if not words:
        return f"SELECT id AS copy_id, 0 AS score FROM {_COPIES} WHERE FALSE", ()  # noqa: S608
    # Each word of the search must match, and counts by its best replacement.
    return (
        f"""SELECT copy_id, sum(best)::integer AS score
              FROM (SELECT copy_id, place, max(score) AS best
                      FROM ({" UNION ALL ".join(map(_union, words))}) AS found (copy_id, place, score)
                     GROUP BY copy_id, place) AS places
             GROUP BY copy_id HAVING count(*) = {len(words)}""",  # noqa: S608 - parts of this module
        tuple(value for parts in words for _, given in parts for value in given),
    )


def _parts(place: int, one: _Sought, readable: _Readable) -> _Parts:
    """Return the statements that find one word, each with its parameters."""
    found = (
        _by_beginning(place, one, readable),
        _by_spelling(place, one, readable),
        _by_id(place, one, readable),
        _by_pending(place, one, readable),
    )
    return [(sql, parameters) for sql, parameters in found if sql]


def _union(parts: _Parts) -> str:
    return " UNION ALL ".join(sql for sql, _ in parts)


def _visible(readable: _Readable) -> tuple[str, list[Any]]:
    """Return the condition on words: the tenant's, visible to the reader, not of pending copies."""
    condition, parameters = _in_scope()
    if not readable.sees_personal:
        condition += " AND NOT w.is_personal"
    if readable.pending:
        condition += " AND w.copy_id <> ALL(%s)"
        parameters = [*parameters, [entry.copy_id for entry in readable.pending]]
    if readable.among is not None:
        condition += " AND w.copy_id = ANY(%s)"
        parameters = [*parameters, readable.among]
    return condition, parameters


def _in_scope(alias: str = "w") -> tuple[str, list[Any]]:
    scope = current_scope()
    if scope is None:
        raise NoTenant
    # Repeated here: the index begins with the tenant, and the policy alone is no condition that it can use.
    return (f"{alias}.tenant_id = %s", [scope.tenant.id]) if scope.tenant else ("TRUE", [])


def _by_beginning(place: int, one: _Sought, readable: _Readable) -> tuple[str, list[Any]]:
    visible, parameters = _visible(readable)
    if len(one.word) <= _SHORT:
        asked, given = "w.word = %s", [one.word]
    else:
        asked, given = "w.word >= %s AND w.word < %s", [one.word, one.word + _LAST]
    score = f"w.weight * CASE WHEN w.word = %s THEN {_WHOLE} ELSE {_BEGINNING} END"
    sql = f"SELECT w.copy_id, {place}, {score} FROM {_WORDS} w WHERE {visible} AND {asked}"  # noqa: S608
    return sql, [one.word, *parameters, *given]


def _by_spelling(place: int, one: _Sought, readable: _Readable) -> tuple[str, list[Any]]:
    if not one.spellings:
        return "", []
    visible, parameters = _visible(readable)
    values = ", ".join(["(%s, %s)"] * len(one.spellings))
    sql = f"""SELECT w.copy_id, {place}, w.weight * s.score
                FROM (VALUES {values}) AS s (word, score) JOIN {_WORDS} w ON w.word = s.word
               WHERE {visible}"""  # noqa: S608
    return sql, [part for word, score in _scored(one) for part in (word, score)] + parameters


def _by_id(place: int, one: _Sought, readable: _Readable) -> tuple[str, list[Any]]:
    if one.ids is None:
        return "", []
    in_scope, parameters = _in_scope("c")
    if readable.among is not None:
        in_scope += " AND c.id = ANY(%s)"
        parameters = [*parameters, readable.among]
    sql = " UNION ALL ".join(
        f"SELECT c.id, {place}, {_ID} FROM {_COPIES} c WHERE {in_scope} AND c.{column} BETWEEN %s AND %s"  # noqa: S608
        for column in ("id", "application_form_id")
    )
    return sql, [*parameters, *one.ids] * 2


def _by_pending(place: int, one: _Sought, readable: _Readable) -> tuple[str, list[Any]]:
    scores = {entry.copy_id: _score(entry, one, readable.sees_personal) for entry in readable.pending}
    scored = [(copy_id, score) for copy_id, score in scores.items() if score]
    if not scored:
        return "", []
    values = ", ".join(["(%s::uuid, %s::integer)"] * len(scored))
    sql = f"SELECT p.id, {place}, p.score FROM (VALUES {values}) AS p (id, score)"  # noqa: S608
    return sql, [part for row in scored for part in row]


def _score(entry: Entry, one: _Sought, sees_personal: bool) -> int:
    """Return the score of the word in a pending copy, as the statement computes it for the others."""
    spelt = dict(_scored(one))
    best = 0
    for word, weight in entry.words.items():
        if weight.is_personal and not sees_personal:
            continue
        if word == one.word:
            best = max(best, weight.weight * _WHOLE)
        elif len(one.word) > _SHORT and word.startswith(one.word):
            best = max(best, weight.weight * _BEGINNING)
        best = max(best, weight.weight * spelt.get(word, 0))
    return best


def _scored(one: _Sought) -> Iterable[tuple[str, int]]:
    """Return the spellings with their scores: less than any prefix."""
    return [(word, int(likeness * _BEGINNING)) for word, likeness in one.spellings.items()]


def _spellings(word: str, pending: Sequence[Entry]) -> Mapping[str, float]:
    """Return the known words most similar to ``word``: of the tenant, and of the pending copies."""
    trigrams = trigrams_of(word)
    if not trigrams:
        return {}
    rows = SearchSpelling.objects.filter(trigram__in=trigrams).values("word").annotate(shared=Count("trigram"))
    known = [row["word"] for row in rows.order_by("-shared", "word")[:_MOST_COMPARED]]
    known += [other for entry in pending for other in entry.words]
    return alike(word, known, most=_MOST_SPELLINGS)
