"""Random triples of documents and an oracle of their merge that works on cells and knows nothing of the merge.

A ``Sheet`` is a document as cells: rows by their true identity, which the makers of the triples know, with their
answers. The oracle decides every cell and row by the table of a three-way merge, and builds the expected result.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from copies.document import Answer, AnsweredBy, Confirmation, Container, Document, DocumentQuestionSet, PoolRow
from copies.equal_answers import holds_same
from copies.merge import Comparison
from copies.paths import Path

#: A row's true identity: the steps (pool, name) from the top; () is the document.
Place: TypeAlias = tuple[tuple[str, str], ...]
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
KEYS: Final = {"houses": ("name",), "fences": ("name",)}
OPEN: Final = ("color", "size")
HIDDEN: Final = "born"
SEALED: Final = "ssn"
VALUES: Final[tuple[object, ...]] = ("red", "blue", 1, True, ["x", "y"], ["y", "x"], ["x"])
SETS: Final = ("extra", "more")
PRODUCTS: Final = ("p1", "p2")
NESTED: Final = {(): "houses", "houses": "fences"}


class Cell(NamedTuple):
    """An answer: its value, the number of the edit that gave it, and the warnings confirmed at it."""

    value: object
    edit: int
    confirmed: frozenset[str] = frozenset()


@dataclass
class Row:
    """A row, or the document itself, with its answers."""

    id: str
    cells: dict[str, Cell] = field(default_factory=dict)


@dataclass
class Sheet:
    """A document as cells; ``rows`` are in the order of the document, each below the row around it."""

    rows: dict[Place, Row]
    flags: set[str] = field(default_factory=set)

    def copy(self) -> Sheet:
        """Return a copy."""
        return Sheet({true: Row(row.id, dict(row.cells)) for true, row in self.rows.items()}, set(self.flags))

    def below(self, true: Place) -> list[Place]:
        """Return the row and all rows in it."""
        return [other for other in self.rows if other[: len(true)] == true]

    def document(self) -> Document:
        """Return the sheet as a document."""
        containers: dict[Place, Container] = {(): Document(answers=_answers(self.rows[()]))}
        for true, row in self.rows.items():
            if true:
                made = PoolRow(id=row.id, answers=_answers(row))
                containers[true] = made
                containers[true[:-1]].answer_pools.setdefault(true[-1][0], []).append(made)
        document = containers[()]
        assert isinstance(document, Document)
        by = AnsweredBy("user", "somebody")
        document.question_sets = [
            DocumentQuestionSet(code=code, added_by=by, remove_if_ineligible=False)
            for code in SETS
            if code in self.flags
        ]
        document.forced_excluded_products = [code for code in PRODUCTS if f"-{code}" in self.flags]
        document.agent_bypassed_products = [code for code in PRODUCTS if f"~{code}" in self.flags]
        return document


def _answers(row: Row) -> dict[str, Answer]:
    return {code: _answer(code, cell) for code, cell in row.cells.items()}


def _answer(code: str, cell: Cell) -> Answer:
    by = AnsweredBy("user", f"agent-{cell.edit}")
    at = START + timedelta(seconds=cell.edit)
    confirmed = tuple(Confirmation(warning, by, at) for warning in sorted(cell.confirmed))
    sealed = f"{cell.value}-{cell.edit}".encode() if code == SEALED and cell.value is not None else None
    value = None if code == SEALED else cell.value
    return Answer(value=value, sealed=sealed, answered_by=by, updated_at=at, confirmed=confirmed)  # type: ignore[arg-type]


def state(code: str, cell: Cell | None) -> object:
    """Return what counts of a cell: the value, or who gave a value that may not be compared and when."""
    if cell is None or cell.value is None:
        return None
    if code in (HIDDEN, SEALED):
        return cell.edit
    return frozenset(cell.value) if isinstance(cell.value, list) else (type(cell.value), cell.value)


class Triple(NamedTuple):
    """A common ancestor and the two sheets that came of it."""

    base: Sheet
    mine: Sheet
    theirs: Sheet


class Maker:
    """Makes random triples."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._edits = 0
        self._rows = 0

    def triple(self) -> Triple:
        """Return a triple: a small document and some edits on either side, often of the same cells."""
        base = self._base()
        mine, theirs = base.copy(), base.copy()
        shared = [f"new-{number}" for number in range(2)]
        for sheet in (mine, theirs):
            for _ in range(self._random.randrange(6)):
                self._edit(sheet, base, shared)
        return Triple(base, mine, theirs)

    def disjoint(self) -> tuple[Sheet, Sheet, Sheet, Sheet]:
        """Return a document, two sheets that edited different cells of it, and one with the edits of both."""
        base = self._base()
        mine, theirs, both = base.copy(), base.copy(), base.copy()
        cells = [(true, code) for true in base.rows for code in (*OPEN, HIDDEN, SEALED)]
        self._random.shuffle(cells)
        for number, (true, code) in enumerate(cells[: self._random.randrange(1, 7)]):
            cell = self._cell()
            for sheet in ((mine, theirs)[number % 2], both):
                sheet.rows[true].cells[code] = cell
        for number, flag in enumerate(self._random.sample((*SETS, "-p1", "~p2"), 2)):
            for sheet in ((mine, theirs)[number % 2], both):
                sheet.flags ^= {flag}
        name, row_id = f"only-{self._rows}", self._row_id()
        for sheet in (self._random.choice((mine, theirs)), both):
            sheet.rows[(("houses", name),)] = Row(row_id, {"name": Cell(name, 0)})
        return base, mine, theirs, both

    def _base(self) -> Sheet:
        sheet = Sheet({(): Row("")})
        for code in (*OPEN, HIDDEN, SEALED):
            if self._random.random() < 0.7:
                sheet.rows[()].cells[code] = self._cell()
        for number in range(self._random.randrange(4)):
            self._add(sheet, (("houses", f"h{number}"),))
            for fence in range(self._random.randrange(3)):
                self._add(sheet, (("houses", f"h{number}"), ("fences", f"f{fence}")))
        sheet.flags = {flag for flag in (*SETS, "-p1", "~p1") if self._random.random() < 0.3}
        return sheet

    def _edit(self, sheet: Sheet, base: Sheet, shared: list[str]) -> None:
        draw = self._random.random()
        rows = [true for true in sheet.rows if true]
        if draw < 0.5 or not rows:
            self._answer(sheet)
        elif draw < 0.65:
            self._remove(sheet, self._random.choice(rows))
        elif draw < 0.75:
            parent = self._random.choice([true for true in sheet.rows if len(true) < 2])
            pool = ("houses", "fences")[len(parent)]
            # The same new row on both sides, or one that only this side has.
            name = self._random.choice([*shared, f"own-{self._rows}"])
            if (*parent, (pool, name)) not in sheet.rows:
                self._add(sheet, (*parent, (pool, name)))
        elif draw < 0.82:
            gone = [true for true in base.rows if true not in sheet.rows and true[:-1] in sheet.rows]
            if gone:
                self._add(sheet, self._random.choice(gone))
        elif draw < 0.9:
            sheet.flags ^= {self._random.choice((*SETS, *(f"{sign}{code}" for sign in "-~" for code in PRODUCTS)))}
        else:
            self._confirm(sheet)

    def _answer(self, sheet: Sheet) -> None:
        row = sheet.rows[self._random.choice(list(sheet.rows))]
        row.cells[self._random.choice((*OPEN, HIDDEN, SEALED))] = self._cell()

    def _confirm(self, sheet: Sheet) -> None:
        row = sheet.rows[self._random.choice(list(sheet.rows))]
        for code, cell in row.cells.items():
            if code in OPEN and cell.value is not None:
                row.cells[code] = cell._replace(confirmed=cell.confirmed | {self._random.choice(("w1", "w2"))})
                return

    def _remove(self, sheet: Sheet, true: Place) -> None:
        for other in sheet.below(true):
            del sheet.rows[other]

    def _add(self, sheet: Sheet, true: Place) -> None:
        cells = {"name": Cell(true[-1][1], 0), self._random.choice(OPEN): self._cell()}
        sheet.rows[true] = Row(self._row_id(), cells)

    def _row_id(self) -> str:
        self._rows += 1
        return f"row-{self._rows}"

    def _cell(self) -> Cell:
        self._edits += 1
        return Cell(self._random.choice((*VALUES, None)), self._edits)


def compared() -> Comparison:
    """Return the comparison of a reader who may not read the hidden answers."""
    return Comparison(
        KEYS,
        lambda path, one, other: holds_same(one, other, is_hidden=Path(path).code == HIDDEN),
        lambda code, answer: code != HIDDEN and answer.sealed is None,
    )


#: What the oracle expects of one part: (kind, true identity, code) and its sort.
Part: TypeAlias = tuple[str, Place, str]


class Oracle:
    """The expected differences of a triple, and the expected result of picks."""

    def __init__(self, triple: Triple) -> None:
        self.triple = triple
        self.sorts: dict[Part, str] = dict(self._all())

    def result(self, sides: Mapping[Part, str]) -> dict[Part, object]:
        """Return the cells of the merged document for the ``sides`` that were picked ("mine" by default)."""
        base, mine, theirs = self.triple
        found: dict[Part, object] = {}
        for true in dict.fromkeys((*mine.rows, *theirs.rows)):
            above = [true[:length] for length in range(1, len(true) + 1)]
            # The outermost row that only one side has decides about everything in it.
            alone = next((row for row in above if (row in mine.rows) != (row in theirs.rows)), None)
            if alone is not None:
                sheet = mine if sides.get(("row", alone, ""), "mine") == "mine" else theirs
                if true in sheet.rows:
                    found |= _cells_of(sheet, true)
                continue
            cells: dict[str, Cell] = {}
            for code in dict.fromkeys((*mine.rows[true].cells, *theirs.rows[true].cells)):
                sheet = theirs if sides.get(("answer", true, code)) == "theirs" else mine
                cell = sheet.rows[true].cells.get(code)
                if cell is not None:
                    if sides.get(("confirmations", true, code)) == "theirs":
                        cell = cell._replace(confirmed=self.confirmed_of_theirs(true, code))
                    cells[code] = cell
            found |= _cells_of(Sheet({true: Row("", cells)}), true)
        for flag in mine.flags | theirs.flags:
            sheet = theirs if sides.get(("flag", (), flag)) == "theirs" else mine
            if flag in sheet.flags:
                found["flag", (), flag] = True
        return found

    def confirmed_of_theirs(self, true: Place, code: str) -> frozenset[str]:
        """Return the warnings that are confirmed after a pick of theirs."""
        base, mine, theirs = (
            sheet.rows[true].cells.get(code, Cell(None, 0)) if true in sheet.rows else Cell(None, 0)
            for sheet in self.triple
        )
        then = base.confirmed if state(code, base) == state(code, mine) else frozenset()
        joined = frozenset(
            warning
            for warning in then | mine.confirmed | theirs.confirmed
            if _three_way(warning in then, warning in mine.confirmed, warning in theirs.confirmed)
        )
        return joined if joined != mine.confirmed else theirs.confirmed

    def _all(self) -> Iterator[tuple[Part, str]]:
        base, mine, theirs = self.triple
        settled: set[Place] = set()
        for true in dict.fromkeys((*mine.rows, *theirs.rows, *base.rows)):
            if any(true[:length] in settled for length in range(1, len(true))):
                continue
            if true in mine.rows and true in theirs.rows:
                yield from self._of_row(true)
                continue
            settled.add(true)
            yield ("row", true, ""), self._alone(true)
        for flag in base.flags | mine.flags | theirs.flags:
            sort = _sort(*(flag in sheet.flags for sheet in self.triple))
            if sort:
                yield ("flag", (), flag), sort

    def _alone(self, true: Place) -> str:
        base, mine, theirs = self.triple
        there = mine if true in mine.rows else theirs
        side, other = ("mine", "theirs") if there is mine else ("theirs", "mine")
        if true not in there.rows:
            return "same"
        if true not in base.rows:
            return side
        was, now = (_all_cells(sheet, true) for sheet in (base, there))
        return other if was == now else "clash"

    def _of_row(self, true: Place) -> Iterator[tuple[Part, str]]:
        sides = [sheet.rows[true].cells if true in sheet.rows else {} for sheet in self.triple]
        for code in {code for cells in sides for code in cells}:
            cells = [cells.get(code) for cells in sides]
            states = [state(code, cell) for cell in cells]
            sort = _sort(*states)
            if sort:
                yield ("answer", true, code), sort
            if states[1] == states[2] is not None and cells[1] and cells[2]:
                if cells[1].confirmed != cells[2].confirmed:
                    theirs = self.confirmed_of_theirs(true, code)
                    then = cells[0].confirmed if cells[0] and states[0] == states[1] else frozenset()
                    came = {
                        w
                        for w in then | cells[1].confirmed | theirs | cells[2].confirmed
                        if _three_way(w in then, w in cells[1].confirmed, w in cells[2].confirmed)
                    }
                    yield ("confirmations", true, code), "mine" if came == cells[1].confirmed else "theirs"


def _three_way(base: bool, mine: bool, theirs: bool) -> bool:
    return mine if theirs == base else theirs


def _sort(base: object, mine: object, theirs: object) -> str:
    if mine == theirs:
        return "" if base == mine else "same"
    if base == mine:
        return "theirs"
    return "mine" if base == theirs else "clash"


def _cells_of(sheet: Sheet, true: Place) -> dict[Part, object]:
    found: dict[Part, object] = {("row", true, ""): True} if true else {}
    for code, cell in sheet.rows[true].cells.items():
        if state(code, cell) is not None:
            found["answer", true, code] = state(code, cell), cell.confirmed
    return found


def _all_cells(sheet: Sheet, true: Place) -> dict[Part, object]:
    return {part: value for row in sheet.below(true) for part, value in _cells_of(sheet, row).items()}


def cells_of_document(document: Document, names: Mapping[str, Place]) -> dict[Part, object]:
    """Return the cells of a merged ``document``; ``names`` are the true identities by row id.

    Raises ``AssertionError`` where a row is there twice.
    """
    found: dict[Part, object] = {}

    def walk(container: Container, true: Place) -> None:
        if true:
            assert ("row", true, "") not in found, f"{true} is doubled"
            found["row", true, ""] = True
        for code, answer in container.answers.items():
            if answer.is_answered:
                assert answer.updated_at is not None
                edit = round((answer.updated_at - START).total_seconds())
                cell = Cell(answer.sealed or answer.value, edit)
                confirmed = frozenset(given.code for given in answer.confirmed)
                found["answer", true, code] = state(code, cell), confirmed
        for rows in container.answer_pools.values():
            for row in rows:
                walk(row, names[row.id])

    walk(document, ())
    for part in document.question_sets:
        found["flag", (), part.code] = True
    for code in document.forced_excluded_products:
        found["flag", (), f"-{code}"] = True
    for code in document.agent_bypassed_products:
        found["flag", (), f"~{code}"] = True
    return found
