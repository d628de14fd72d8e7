"""Matches the rows of one pool between documents: by id, then by lineage, then by unambiguous equal key fields. Pure.

The order of rows has no meaning here: a row that only moved matches itself. Linear in the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from copies.document import Answer, PoolRow, row_lineage

T = TypeVar("T")
#: Returns whether an answer with a code may be compared by value (docs/adr/0024-unreadable-is-never-compared.md).
IsComparable: TypeAlias = Callable[[str, Answer], bool]
#: A row's identity in one way of matching, None for a row without one.
_Identify: TypeAlias = Callable[[PoolRow], object]


class RowPair(NamedTuple):
    """The same row in two documents; None where one of them lacks it."""

    left: PoolRow | None
    right: PoolRow | None


def is_open(code: str, answer: Answer) -> bool:
    """Return whether ``answer`` is stored in plain: sealed values are never compared."""
    return answer.sealed is None


def match_rows(
    left: Sequence[PoolRow], right: Sequence[PoolRow], key: Sequence[str], *, comparable: IsComparable = is_open
) -> list[RowPair]:  # fmt: skip
    """Return the rows of one pool in two documents in pairs: those of ``left`` in order, then those only in ``right``.

    ``key`` are the codes of the pool's key questions; a row in which one of them is unanswered, sealed or not
    ``comparable`` has no key. A key that occurs twice on one side among the rows still unmatched matches nothing.
    """
    if len(left) == len(right) and all(one.id == other.id for one, other in zip(left, right, strict=True)):
        return list(map(RowPair, left, right))
    return [RowPair(*rows) for rows in align_rows((left, right), key, comparable=comparable)]


def align_rows(
    sides: Sequence[Sequence[PoolRow]], key: Sequence[str], *, comparable: IsComparable = is_open
) -> list[tuple[PoolRow | None, ...]]:
    """Return the rows of one pool in several documents as ``match_rows`` does: one tuple per row, with a place per
    document. A row of a later document is matched with the rows of all earlier ones.
    """
    groups: list[list[PoolRow | None]] = [[row] for row in sides[0]]
    identities = (_identity, _origin, _key_reader(key, comparable))
    for place, rows in enumerate(sides[1:], 1):
        waiting = list(rows)
        for identify in identities:
            if waiting:
                waiting = _join(groups, waiting, place, identify)
        for group in groups:
            group += [None] * (place + 1 - len(group))
        groups += [[*[None] * place, row] for row in waiting]
    return [tuple(group) for group in groups]


def _join(
    groups: Iterable[list[PoolRow | None]], waiting: Sequence[PoolRow], place: int, identify: _Identify
) -> list[PoolRow]:  # fmt: skip
    """Add each of the ``waiting`` rows to the only group with its identity; return the rows left over, in order."""
    open_groups = [group for group in groups if len(group) == place]
    known = _unique((identity, group) for group in open_groups for identity in {identify(row) for row in group if row})
    joined = set[int]()
    for identity, row in _unique((identify(row), row) for row in waiting).items():
        group = known.get(identity)
        # Two rows may have identities that lead to one group; the first in order is taken.
        if group is not None and len(group) == place:
            group.append(row)
            joined.add(id(row))
    return [row for row in waiting if id(row) not in joined]


def _unique(found: Iterable[tuple[object, T]]) -> dict[object, T]:
    """Return the items by identity, without identities that occur twice."""
    first, twice = dict[object, T](), set[object]()
    for identity, item in found:
        if identity is not None:
            if identity in first:
                twice.add(identity)
            first.setdefault(identity, item)
    return {identity: item for identity, item in first.items() if identity not in twice}


def _identity(row: PoolRow) -> object:
    return row.id


def _origin(row: PoolRow) -> object:
    """Return the id of the row that ``row`` was cloned from, directly or not; its own id if it is no clone."""
    return row_lineage(row)


def _key_reader(key: Sequence[str], comparable: IsComparable) -> _Identify:
    def read(row: PoolRow) -> object:
        values = []
        for code in key:
            answer = row.answers.get(code)
            if answer is None or answer.sealed is not None or not answer.is_answered or not comparable(code, answer):
                return None
            value = answer.value
            # True is not 1.
            values.append((value.__class__, frozenset(value) if isinstance(value, list) else value))
        return tuple(values) or None

    return read
