"""The three-way merge of documents: what two copies changed since their common ancestor, and the effect of picks. Pure.

It compares states and never replays a log: a conflict that was fixed meanwhile does not come back. ``mine`` is the
copy that is merged into, ``theirs`` the one that is merged. States that the rules decide (visible, required, question
sets that rules require) are not compared: the rules decide them anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from copies.document import Answer, Confirmation, Container, Document, DocumentQuestionSet, PoolRow
from copies.paths import BYPASSED, EXCLUDED, join_path, question_set_path
from copies.row_matching import IsComparable, align_rows

Side: TypeAlias = Literal["mine", "theirs"]
#: The part that differs: an answer, the warnings that are confirmed at it, a whole row, a question set that stays
#: whatever the rules require, an excluded or a bypassed product.
Kind: TypeAlias = Literal["answer", "confirmations", "row", "question_set", "excluded", "bypassed"]
#: ``mine`` and ``theirs``: only that side changed. ``same``: both made the same change. ``clash``: they made different
#: ones. ``differs``: without a common ancestor it is unknown who changed.
Sort: TypeAlias = Literal["mine", "theirs", "same", "clash", "differs"]
Confirmed: TypeAlias = tuple[Confirmation, ...]
#: The content of a part on one side; None where the side does not have it.
State: TypeAlias = Answer | PoolRow | DocumentQuestionSet | Confirmed | bool | None
#: Returns whether two answers at a path are the same, as far as the person who merges may know them.
SameAnswer: TypeAlias = Callable[[str, Answer | None, Answer | None], bool]

MINE: Final = "mine"
THEIRS: Final = "theirs"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One part in which the copies differ, or that both changed in the same way.

    ``id`` is the same whenever the same part differs. ``path`` is its place in mine, ``source_path`` in theirs: a row
    may have other ids there. ``before`` is the id of the row in mine that a row of theirs is put in front of, "" for
    the end of the pool.
    """

    id: str
    kind: Kind
    path: str
    source_path: str
    sort: Sort
    base: State = None
    mine: State = None
    theirs: State = None
    before: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether it has no pick by itself."""
        return self.sort == "clash"

    @property
    def default_pick(self) -> Side | None:
        """Return the side that changed, None for a clash; mine where nobody knows who changed."""
        if self.sort == "clash":
            return None
        return THEIRS if self.sort == "theirs" else MINE


class Comparison(NamedTuple):
    """What may be compared, and how: the key questions of each pool, and the answers that the person who merges may
    read (docs/adr/0024-unreadable-is-never-compared.md).
    """

    keys: Mapping[str, Sequence[str]]
    is_same: SameAnswer
    is_comparable: IsComparable


def merge_documents(base: Document | None, mine: Document, theirs: Document, *, rules: Comparison) -> list[Difference]:
    """Return what differs between ``mine`` and ``theirs``, clashes first, then in the order of the documents.

    ``base`` is their common ancestor, None for copies without one.
    """
    found = list(_Walk(rules, is_two_way=base is None).documents(base or Document(), mine, theirs))
    return sorted(found, key=lambda difference: difference.sort != "clash")


class _Triple(NamedTuple):
    """The same row on three sides."""

    base: PoolRow | None
    mine: PoolRow | None
    theirs: PoolRow | None


class _Walk:
    """One walk through three documents."""

    def __init__(self, rules: Comparison, *, is_two_way: bool) -> None:
        self._rules = rules
        self._is_same = rules.is_same
        self._is_two_way = is_two_way

    def documents(self, base: Document, mine: Document, theirs: Document) -> Iterator[Difference]:
        """Yield the differences of whole documents."""
        yield from self.containers(base, mine, theirs, "", "")
        sides = [_permanent_sets(document) for document in (base, mine, theirs)]
        for code in dict.fromkeys(code for side in sides for code in side):
            states = [side.get(code) for side in sides]
            sort = self._sort(*(state is not None for state in states))
            yield from self._difference("question_set", question_set_path(code), sort, *states)
        exclusions: tuple[tuple[Kind, str], ...] = (("excluded", EXCLUDED), ("bypassed", BYPASSED))
        for kind, name in exclusions:
            lists = [getattr(document, name) for document in (base, mine, theirs)]
            for code in dict.fromkeys(code for products in lists for code in products):
                is_in = [code in products for products in lists]
                yield from self._difference(kind, join_path(name, code), self._sort(*is_in), *is_in)

    def containers(
        self, base: Container | None, mine: Container, theirs: Container, path: str, source_path: str
    ) -> Iterator[Difference]:
        """Yield the differences of the document, or of one row that mine and theirs have."""
        known: Container = base or PoolRow(id="")
        for code in dict.fromkeys((*mine.answers, *theirs.answers, *known.answers)):
            answers = [side.answers.get(code) for side in (known, mine, theirs)]
            yield from self._answers(join_path(path, code), join_path(source_path, code), *answers)
        for pool in dict.fromkeys((*mine.answer_pools, *theirs.answer_pools, *known.answer_pools)):
            rows = [side.answer_pools.get(pool, []) for side in (known, mine, theirs)]
            yield from self._rows(pool, rows, join_path(path, pool), join_path(source_path, pool))

    def _answers(
        self, path: str, source_path: str, base: Answer | None, mine: Answer | None, theirs: Answer | None
    ) -> Iterator[Difference]:
        if (mine is not None and mine.readonly) or (theirs is not None and theirs.readonly):
            return
        sort = self._sort_of_answers(path, base, mine, theirs)
        yield from self._difference("answer", path, sort, base, mine, theirs, source_path=source_path)
        if sort in (None, "same") and mine is not None and theirs is not None and mine.is_answered:
            then = base if base is not None and self._is_same(path, base, mine) else Answer()
            yield from self._confirmations(path, source_path, *(side.confirmed for side in (then, mine, theirs)))

    def _sort_of_answers(
        self, path: str, base: Answer | None, mine: Answer | None, theirs: Answer | None
    ) -> Sort | None:  # fmt: skip
        if self._is_same(path, mine, theirs):
            return None if self._is_two_way or self._is_same(path, base, mine) else "same"
        if self._is_two_way:
            return "differs"
        if self._is_same(path, base, mine):
            return "theirs"
        return "mine" if self._is_same(path, base, theirs) else "clash"

    def _confirmations(
        self, path: str, source_path: str, base: Confirmed, mine: Confirmed, theirs: Confirmed
    ) -> Iterator[Difference]:
        """Yield the difference of the confirmed warnings of one value.

        Two sides cannot make different changes of one warning, so there is no clash: what theirs confirmed comes to
        what mine confirmed.
        """
        codes = [{given.code for given in side} for side in (base, mine, theirs)]
        if codes[1] == codes[2]:
            return
        joined = (codes[1] & codes[2]) | (codes[1] - codes[0]) | (codes[2] - codes[0])
        sort: Sort = "differs" if self._is_two_way else "theirs" if joined != codes[1] else "mine"
        known = {given.code: given for given in (*theirs, *mine)}
        picked = tuple(known[code] for code in sorted(joined)) if sort == THEIRS else theirs
        yield from self._difference("confirmations", path, sort, base, mine, picked, source_path=source_path)

    def _rows(self, pool: str, rows: Sequence[list[PoolRow]], path: str, source_path: str) -> Iterator[Difference]:
        triples = _side_by_side(rows, self._rules, pool)
        next_in_mine = _next_in_mine(triples, rows[2])
        for base, mine, theirs in triples:
            row_path = join_path(path, (mine or base or theirs or PoolRow(id="")).id)
            their_path = join_path(source_path, (theirs or base or mine or PoolRow(id="")).id)
            if mine is not None and theirs is not None:
                yield from self.containers(base, mine, theirs, row_path, their_path)
                continue
            sort = self._sort_of_row(base, mine or theirs, row_path, is_mine=mine is not None)
            before = next_in_mine.get(theirs.id, "") if theirs is not None else ""
            yield from self._difference(
                "row", row_path, sort, base, mine, theirs, source_path=their_path, before=before
            )  # fmt: skip

    def _sort_of_row(self, base: PoolRow | None, row: PoolRow | None, path: str, *, is_mine: bool) -> Sort:
        """Return the sort of a ``row`` that one side has alone, mine or theirs."""
        if row is None:
            return "same"
        if self._is_two_way:
            return "differs"
        if base is None:
            return MINE if is_mine else THEIRS
        if self._is_edited(base, row, path):
            return "clash"
        return THEIRS if is_mine else MINE

    def _is_edited(self, base: PoolRow, row: PoolRow, path: str) -> bool:
        """Return whether anything in ``row``, however deep, differs from ``base``."""
        inside = _Walk(self._rules, is_two_way=True)
        return next(inside.containers(None, base, row, path, path), None) is not None

    def _sort(self, base: bool, mine: bool, theirs: bool) -> Sort | None:
        """Return the sort of a part that is there or not: of such a part two sides cannot make different changes."""
        if mine == theirs:
            return None if self._is_two_way or base == mine else "same"
        if self._is_two_way:
            return "differs"
        return "theirs" if base == mine else "mine"

    def _difference(  # noqa: PLR0913 - the parts of a difference
        self,
        kind: Kind,
        path: str,
        sort: Sort | None,
        base: State,
        mine: State,
        theirs: State,
        *,
        source_path: str = "",
        before: str = "",
    ) -> Iterator[Difference]:
        if sort is not None:
            yield Difference(
                id=difference_id(kind, path),
                kind=kind,
                path=path,
                source_path=source_path or path,
                sort=sort,
                base=base,
                mine=mine,
                theirs=theirs,
                before=before,
            )


def difference_id(kind: Kind, path: str) -> str:
    """Return the id of the difference of ``kind`` at ``path``, which says nothing of the values."""
    return hashlib.blake2b(f"{kind} {path}".encode(), digest_size=8).hexdigest()


def _side_by_side(rows: Sequence[Sequence[PoolRow]], rules: Comparison, pool: str) -> list[_Triple]:
    """Return the rows of one pool side by side: those of mine in their order, then those that only theirs has, then
    those that neither has any more.
    """
    base, mine, theirs = rows
    known = {row.id for row in base}
    # A row that both got from elsewhere is one row, whatever other row of the ancestor has its key.
    both = {row.id: row for row in theirs if row.id not in known} if theirs else {}
    both = {row.id: both[row.id] for row in mine if row.id in both}
    sides = (base, *([row for row in side if row.id not in both] for side in (mine, theirs)))
    aligned = align_rows(sides, rules.keys.get(pool, ()), comparable=rules.is_comparable)
    triples = [_Triple(*group) for group in aligned] + [
        _Triple(None, row, both[row.id]) for row in mine if row.id in both
    ]
    places = [{row.id: place for place, row in enumerate(side)} for side in (mine, theirs)]

    def order(triple: _Triple) -> tuple[int, int]:
        if triple.mine is not None:
            return 0, places[0][triple.mine.id]
        return (1, places[1][triple.theirs.id]) if triple.theirs is not None else (2, 0)

    return sorted(triples, key=order)


def _next_in_mine(triples: Sequence[_Triple], theirs: Sequence[PoolRow]) -> dict[str, str]:
    """Map each row of theirs to the id in mine of the next row that both have."""
    in_mine = {triple.theirs.id: triple.mine.id for triple in triples if triple.theirs and triple.mine}
    found: dict[str, str] = {}
    following = ""
    for row in reversed(theirs):
        found[row.id] = following
        following = in_mine.get(row.id, following)
    return found


def _permanent_sets(document: Document) -> dict[str, DocumentQuestionSet]:
    """Return the question sets that stay whatever the rules require: people put them on the document."""
    return {part.code: part for part in document.question_sets if not part.remove_if_ineligible}
