"""The laws of the merge, over random triples, against an oracle that decides every cell by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from copies import merge, picks
from copies.document import Document
from copies.merge import Difference, Side, merge_documents
from copies.paths import Path, split_path
from copies.picks import apply_picks, pick_sides
from tests.harness.merge_oracle import (
    Maker,
    Oracle,
    Part,
    Place,
    Sheet,
    Triple,
    cells_of_document,
    compared,
)

QUICK = 1_000
#: Of 100,000 triples a fifth has edits of different cells only; the quick tier runs an eightieth.
COUNTS = [pytest.param(QUICK, id="quick"), pytest.param(80 * QUICK, id="full", marks=pytest.mark.slow)]
DISJOINT = [pytest.param(QUICK // 4, id="quick"), pytest.param(20 * QUICK, id="full", marks=pytest.mark.slow)]
RULES = compared()


def names_of(*sheets: Sheet) -> dict[str, Place]:
    return {row.id: true for sheet in sheets for true, row in sheet.rows.items()}


def part_of(difference: Difference, names: dict[str, Place]) -> Part:
    """Return the part of the oracle that a difference is about."""
    path = Path(difference.path)
    if difference.kind == "row":
        return "row", names[path.code], ""
    if difference.kind in ("answer", "confirmations"):
        row, code = split_path(path)
        return difference.kind, names[Path(row).code] if row else (), code
    sign = {"question_set": "", "excluded": "-", "bypassed": "~"}[difference.kind]
    return "flag", (), f"{sign}{path.code}"


def check(triple: Triple, rng: random.Random) -> None:
    """Check a merge of ``triple`` with random picks against the oracle."""
    base, mine, theirs = (sheet.document() for sheet in triple)
    names, oracle = names_of(*triple), Oracle(triple)

    differences = merge_documents(base, mine, theirs, rules=RULES)

    parts = {difference.id: part_of(difference, names) for difference in differences}
    assert {parts[found.id]: found.sort for found in differences} == oracle.sorts
    assert len(parts) == len(differences)
    sides: dict[str, Side] = {found.id: rng.choice(("mine", "theirs")) for found in differences}
    result = apply_picks(mine, differences, pick_sides(differences, sides))
    wanted = {parts[identity]: side for identity, side in sides.items() if oracle.sorts[parts[identity]] != "same"}
    assert cells_of_document(result, names) == oracle.result(wanted)
    # What was picked is settled: theirs is the ancestor of the next merge, which asks nothing again.
    again = merge_documents(theirs, result, theirs, rules=RULES)
    assert {found.sort for found in again} <= {"mine"}


@pytest.mark.parametrize("count", COUNTS)
def test_laws_of_random_triples(count: int) -> None:
    maker, rng = Maker(seed=11), random.Random(11)
    clashes = 0

    for number in range(count):
        triple = maker.triple()
        check(triple, rng)
        check_laws(triple, number)
        clashes += "clash" in Oracle(triple).sorts.values()

    assert clashes > count / 20


def check_laws(triple: Triple, number: int) -> None:
    """Check the laws of one side, and that the sides swap."""
    names = names_of(*triple)
    base, mine, theirs = (sheet.document() for sheet in triple)
    expected = cells_of_document(mine, names)
    # merge(b, x, b) = x, merge(b, b, x) = x, merge(b, x, x) = x: without a clash, in the order of x.
    for one, other in ((mine, base), (base, mine), (mine, mine)):
        result = merged(base, one, other, clash=None)
        assert cells_of_document(result, names) == expected
        assert order_of(result, triple) == order_of(mine, triple)
    clash: Side = ("mine", "theirs")[number % 2]  # type: ignore[assignment]
    swapped: Side = ("theirs", "mine")[number % 2]  # type: ignore[assignment]
    one, other = merged(base, mine, theirs, clash=clash), merged(base, theirs, mine, clash=swapped)
    assert cells_of_document(one, names) == cells_of_document(other, names)


def merged(base: Document, mine: Document, theirs: Document, *, clash: Side | None) -> Document:
    """Return the merge with the default picks, and ``clash`` for every clash; with None there must be none."""
    differences = merge_documents(base, mine, theirs, rules=RULES)
    open_ones = {found.id: clash for found in differences if found.sort == "clash" and clash}
    assert clash or all(found.sort != "clash" for found in differences)
    return apply_picks(mine, differences, pick_sides(differences, open_ones))


@pytest.mark.parametrize("count", DISJOINT)
def test_disjoint_edits_commute(count: int) -> None:
    maker = Maker(seed=14)

    for _ in range(count):
        base, mine, theirs, both = maker.disjoint()
        names = names_of(base, mine, theirs, both)
        ancestor, one, other = base.document(), mine.document(), theirs.document()
        expected = cells_of_document(both.document(), names)

        assert cells_of_document(merged(ancestor, one, other, clash=None), names) == expected
        assert cells_of_document(merged(ancestor, other, one, clash=None), names) == expected


def order_of(document: Document, sheets: Triple) -> list[object]:
    """Return the names of the top rows in order; nothing where a row was removed and added again, because the place of
    such a row, and so of those beside it, is not merged.
    """
    base = {true: row.id for true, row in sheets.base.rows.items()}
    if any(base.get(true, row.id) != row.id for true, row in sheets.mine.rows.items() if true):
        return []
    return [row.answers["name"].value for row in document.answer_pools.get("houses", ())]


# Sabotage: each variant breaks one promise, and the checks above must find it.


def ignore_edits_of_removed_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge._Walk, "_is_edited", lambda *given: False)


def match_rows_by_position(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_position(sides: Sequence[Sequence[object]], key: object, *, comparable: object) -> list[tuple[object, ...]]:
        longest = max(map(len, sides))
        return [tuple(side[place] if place < len(side) else None for side in sides) for place in range(longest)]

    monkeypatch.setattr(merge, "align_rows", by_position)


def add_their_rows_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    aligned = merge.align_rows
    monkeypatch.setattr(merge, "align_rows", lambda sides, key, comparable: aligned(sides, (), comparable=comparable))


def let_theirs_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay what theirs changed over mine, whatever mine did meanwhile."""
    sort = merge._Walk._sort_of_answers

    def replayed(walk: merge._Walk, *given: object) -> object:
        found = sort(walk, *given)  # type: ignore[arg-type]
        return "theirs" if found == "clash" else found

    monkeypatch.setattr(merge._Walk, "_sort_of_answers", replayed)


def compare_hidden_values(monkeypatch: pytest.MonkeyPatch) -> None:
    open_rules = RULES._replace(is_same=lambda path, one, other: merge_equal(one, other))
    monkeypatch.setitem(globals(), "RULES", open_rules)


def merge_equal(one: object, other: object) -> bool:
    values = [None if side is None else side.sealed or side.value for side in (one, other)]  # type: ignore[attr-defined]
    return values[0] == values[1]


def forget_new_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    take = picks._CARRY_OUT["row"]

    def removals_only(document: Document, step: Difference) -> None:
        if step.theirs is None or step.base is not None:
            take(document, step)

    monkeypatch.setitem(picks._CARRY_OUT, "row", removals_only)


def drop_confirmations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge._Walk, "_confirmations", lambda *given: iter(()))


@pytest.mark.parametrize(
    "sabotage",
    [
        ignore_edits_of_removed_rows,
        match_rows_by_position,
        add_their_rows_without_keys,
        let_theirs_win,
        compare_hidden_values,
        forget_new_rows,
        drop_confirmations,
    ],
)
def test_sabotage_is_found(sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    maker, rng = Maker(seed=11), random.Random(11)
    sabotage(monkeypatch)

    with pytest.raises((AssertionError, KeyError)):
        for _ in range(800):
            check(maker.triple(), rng)
