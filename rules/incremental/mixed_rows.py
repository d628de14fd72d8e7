"""The rows of two documents as one structure, from which the document of any selection of their changes is read. Pure.

The changes are numbered; a selection is a bit mask. A selected change takes the right document's answer or row.
A question or pool that only one document asks has no change of its own: its answers and rows are always taken from the
document that asks it, and whether they count follows from the selected changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from copies.diff import Keys, is_row_asked
from copies.document import Answer, PoolRow, walk_containers
from copies.paths import Path
from copies.row_matching import IsComparable, match_rows
from rules.incremental.lazy_state import LazyFrame


class MixedRow:
    """The document ("") or a row of a mixture.

    ``answers`` are those of the left document, ``changes`` the right answers by the bit of their change. The row is
    in a selection that has ``added`` and has not ``removed`` (0: no such change).
    """

    __slots__ = ("added", "answers", "changes", "owner", "pool", "pools", "prefix", "removed")

    def __init__(self, pool: str, prefix: str, answers: Mapping[str, Answer], *, owner: MixedRow | None) -> None:
        """Start without changes and without rows; ``owner`` is the document or row around it."""
        self.owner = owner
        self.pool = pool
        self.prefix = prefix
        self.answers = dict(answers)
        self.changes: list[tuple[int, str, Answer]] = []
        self.added = self.removed = 0
        self.pools: dict[str, list[MixedRow]] = {}

    @property
    def identity(self) -> str:
        """Return the row's id, "" for the document."""
        return Path(self.prefix[:-1]).code

    def is_in(self, mask: int) -> bool:
        """Return whether the row is part of the selection ``mask``."""
        return (not self.added or bool(mask & self.added)) and not mask & self.removed

    def answers_in(self, mask: int) -> dict[str, Answer]:
        """Return the row's answers in the selection ``mask``; the result is not to be changed."""
        selected = {code: answer for bit, code, answer in self.changes if mask & bit}
        return {**self.answers, **selected} if selected else self.answers

    def container(self, mask: int) -> PoolRow:
        """Return the row with all rows in it, in the selection ``mask``."""
        pools = {pool: [row.container(mask) for row in rows if row.is_in(mask)] for pool, rows in self.pools.items()}
        return PoolRow(id=self.identity, answers=self.answers_in(mask), answer_pools=pools)


class RowChange(NamedTuple):
    """The change ``bit`` that adds or removes a row of ``pool``; ``owner`` and ``row`` are path prefixes."""

    bit: int
    pool: str
    owner: str
    row: str


class Mixer:
    """Mixes two decided documents. ``bits`` are the bits of the changes by path: the path of an answer or row in the
    left document, of an added row in the right one.

    After ``mix``, ``changed`` are the values (code and prefix) of changed answers by bit, ``row_changes`` the added and
    removed rows, ``sealed`` the paths in the right document of the sealed answers taken from it (by identity), and
    ``one_sided`` the codes of questions that only one document asks somewhere.
    """

    def __init__(self, keys: Keys, bits: Mapping[str, int], *, comparable: IsComparable) -> None:
        """Take the key questions of each pool, the changes, and which answers their reader could compare."""
        self._keys = keys
        self._bits = bits
        self._comparable = comparable
        self.changed: list[tuple[int, str, str]] = []
        self.row_changes: list[RowChange] = []
        self.sealed: dict[int, str] = {}
        self.one_sided: set[str] = set()

    def mix(self, left: LazyFrame, right: LazyFrame, *, pool: str = "", owner: MixedRow | None = None) -> MixedRow:
        """Return the mixture of two documents, or of a row in both of them."""
        prefix = "" if owner is None else f"{owner.prefix}{pool}/{_row(left).id}/"
        mixed = MixedRow(pool, prefix, left.answers, owner=owner)
        if left.answers != right.answers:
            self._mix_answers(mixed, left.answers, right)
        for code in dict.fromkeys((*left.container.answer_pools, *right.container.answer_pools)):
            ours, theirs = left.container.answer_pools.get(code, []), right.container.answer_pools.get(code, [])
            mixed.pools[code] = (
                [_unchanged(row, code, mixed) for row in ours]
                if ours == theirs
                else self._mix_rows(mixed, code, left, right)
            )
        return mixed

    def _mix_answers(self, mixed: MixedRow, ours: Mapping[str, Answer], right: LazyFrame) -> None:
        for code, answer in right.answers.items():
            other = ours.get(code)
            if answer == other:
                continue
            is_asked = other is not None and other.active
            if is_asked != answer.active:
                self.one_sided.add(code)
            if not answer.active:
                continue
            bit = self._bits.get(f"{mixed.prefix}{code}", 0)
            if not is_asked:
                mixed.answers[code] = answer
            elif bit:
                mixed.changes.append((bit, code, answer))
                self.changed.append((bit, code, mixed.prefix))
            else:
                continue
            if answer.sealed is not None:
                self.sealed[id(answer)] = f"{right.prefix}{code}"
        self.one_sided.update(code for code, answer in ours.items() if answer.active and code not in right.answers)

    def _mix_rows(self, mixed: MixedRow, pool: str, left: LazyFrame, right: LazyFrame) -> list[MixedRow]:
        ours, theirs = left.rows_of(pool), right.rows_of(pool)
        pairs = match_rows(
            [_row(frame) for frame in ours],
            [_row(frame) for frame in theirs],
            self._keys.get(pool, ()),
            comparable=self._comparable,
        )
        our_frames, their_frames = ({_row(frame).id: frame for frame in frames} for frames in (ours, theirs))
        rows = []
        for one, other in pairs:
            if one is not None and other is not None:
                rows.append(self.mix(our_frames[one.id], their_frames[other.id], pool=pool, owner=mixed))
            elif one is not None and (is_row_asked(one) or not right.shows(pool)):
                row = _unchanged(one, pool, mixed)
                if right.shows(pool):
                    row.removed = self._row_change(row.prefix, mixed, row)
                rows.append(row)
            elif other is not None and is_row_asked(other):
                row = _unchanged(other, pool, mixed)
                if left.shows(pool):
                    row.added = self._row_change(their_frames[other.id].prefix, mixed, row)
                self._note_sealed(other, their_frames[other.id].prefix)
                rows.append(row)
        return rows

    def _row_change(self, prefix: str, owner: MixedRow, row: MixedRow) -> int:
        bit = self._bits.get(prefix[:-1], 0)
        if bit:
            self.row_changes.append(RowChange(bit, row.pool, owner.prefix, row.prefix))
        return bit

    def _note_sealed(self, row: PoolRow, prefix: str) -> None:
        for around, container in walk_containers(row, prefix[:-1]):
            for code, answer in container.answers.items():
                if answer.sealed is not None:
                    self.sealed[id(answer)] = f"{around}/{code}"


def _row(frame: LazyFrame) -> PoolRow:
    assert isinstance(frame.container, PoolRow)  # noqa: S101 - only the document is no row, and is in no pool
    return frame.container


def _unchanged(row: PoolRow, pool: str, owner: MixedRow) -> MixedRow:
    mixed = MixedRow(pool, f"{owner.prefix}{pool}/{row.id}/", row.answers, owner=owner)
    for code, rows in row.answer_pools.items():
        mixed.pools[code] = [_unchanged(inner, code, mixed) for inner in rows]
    return mixed
