"""Rows that were copied from a spreadsheet: their columns matched to the questions of a pool, and each cell judged.

Pure. The names of columns are matched as those of imported files are; a cell is read as what people type.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from operations.imports.mapping import Targets, suggest
from presentation.formats import counted
from rules.definition.model import CompiledCatalogue
from rules.types.cleaning import InvalidValue, clean

#: The most that is pasted at once.
MOST_ROWS: Final = 2_000
MOST_COLUMNS: Final = 60
#: The rows and faults that a preview lists.
SHOWN_ROWS: Final = 8
SHOWN_FAULTS: Final = 8
_BETWEEN_CHOICES: Final = re.compile(r"[;|,\n]")


@dataclass(frozen=True)
class Column:
    """A pasted column and the code of the question that it answers, "" for none. ``fault`` says why it cannot."""

    place: int
    name: str
    code: str
    fault: str = ""


@dataclass(frozen=True)
class Cell:
    """A pasted cell; one with a ``fault`` is left empty."""

    text: str
    fault: str = ""


@dataclass(frozen=True)
class PastedRows:
    """Pasted rows before they are saved.

    ``rows`` are the first ones, ``faults`` the first faults with the number of their row, ``faulty`` counts all of
    them. ``answers`` are the valid cells of each row by the code of the question. ``problem`` says why nothing can be
    saved.
    """

    columns: tuple[Column, ...]
    choices: tuple[tuple[str, str], ...]
    has_names: bool
    rows: tuple[tuple[Cell, ...], ...]
    faults: tuple[str, ...]
    faulty: int
    answers: tuple[Mapping[str, object], ...]
    problem: str = ""

    @property
    def words(self) -> str:
        """Return what would be added: ``500 rows, 3 cells left empty``."""
        left = f", {counted(self.faulty, 'cell')} left empty" if self.faulty else ""
        return f"{counted(len(self.answers), 'row')}{left}"

    @property
    def more(self) -> int:
        """Return the number of rows that are not listed."""
        return len(self.answers) - len(self.rows)


def read_pasted(  # noqa: PLR0913 - the text, where it goes, and what the person has chosen
    text: str,
    *,
    catalogue: CompiledCatalogue,
    pool: str,
    room: int,
    has_names: bool | None = None,
    codes: Mapping[int, str] | None = None,
) -> PastedRows:
    """Return the rows in ``text``, whose cells are separated by tabs, for the pool with the code ``pool``.

    ``room`` is the number of rows that it can take. ``has_names`` says whether the first line has the names of the
    columns, ``codes`` the questions by the place of the column; by default both are suggested from the first line.
    """
    try:
        lines = [line for line in csv.reader(io.StringIO(text), delimiter="\t") if any(cell.strip() for cell in line)]
    except csv.Error:
        return _refused("The text cannot be read as rows of a spreadsheet. Copy the cells again.")
    width = max(map(len, lines), default=0)
    if not lines:
        return _refused("Paste at least one row.")
    if width > MOST_COLUMNS or len(lines) > MOST_ROWS + 1:
        return _refused(f"At most {MOST_ROWS:,} rows and {MOST_COLUMNS} columns can be pasted at once.")
    names = [cell.strip() for cell in lines[0]] + [""] * (width - len(lines[0]))
    suggested = _suggested(names, catalogue, pool)
    named = bool(suggested) if has_names is None else has_names
    if codes is None:
        codes = suggested if named else {}
    columns = _columns(names if named else [""] * width, codes, catalogue, pool)
    judged = [_judge(line, columns, catalogue) for line in (lines[1:] if named else lines)]
    faults = [
        f"Row {number}, {catalogue.questions[column.code].question.label}: {cell.fault}"
        for number, (cells, _) in enumerate(judged, 1)
        for column, cell in zip(columns, cells, strict=True)
        if cell.fault
    ]
    return PastedRows(
        columns=columns,
        choices=tuple((code, catalogue.questions[code].question.label) for code in _codes(catalogue, pool)),
        has_names=named,
        rows=tuple(cells for cells, _ in judged[:SHOWN_ROWS]),
        faults=tuple(faults[:SHOWN_FAULTS]),
        faulty=len(faults),
        answers=tuple(answers for _, answers in judged),
        problem=_problem(columns, len(judged), room),
    )


def _refused(problem: str) -> PastedRows:
    return PastedRows((), (), True, (), (), 0, (), problem)


def _codes(catalogue: CompiledCatalogue, pool: str) -> Sequence[str]:
    """Return the codes of the pool's questions in the form's order."""
    questions = catalogue.sets[catalogue.pools[pool].set_code].question_set.questions
    return [question.code for question in questions]


def _suggested(names: Sequence[str], catalogue: CompiledCatalogue, pool: str) -> dict[int, str]:
    """Return the questions that the names of the columns mean, by place; {} if none is certain."""
    prefix = "".join(f"{code}[1]." for code in (*catalogue.pools[pool].ancestors, pool))
    found = suggest([f"{prefix}{name}" for name in names], Targets(catalogue))
    if not any(one.target is not None and one.how != "similar" for one in found):
        return {}
    return {
        place: one.target.code
        for place, one in enumerate(found)
        if names[place] and one.target is not None and one.target.rows and one.target.rows[-1][0] == pool
    }


def _columns(
    names: Sequence[str], codes: Mapping[int, str], catalogue: CompiledCatalogue, pool: str
) -> tuple[Column, ...]:
    known = set(_codes(catalogue, pool))
    taken = Counter(code for code in codes.values() if code)
    found = []
    for place, name in enumerate(names):
        code = codes.get(place, "")
        code = code if code in known else ""
        fault = "Another column goes to the same question. Choose one of them." if code and taken[code] > 1 else ""
        found.append(Column(place, name or f"Column {place + 1}", code, fault))
    return tuple(found)


def _judge(
    line: Sequence[str], columns: Sequence[Column], catalogue: CompiledCatalogue
) -> tuple[tuple[Cell, ...], dict[str, object]]:
    """Return the cells of one line, and the valid ones by the code of their question."""
    cells: list[Cell] = []
    answers: dict[str, object] = {}
    for column in columns:
        text = line[column.place].strip() if column.place < len(line) else ""
        fault = ""
        if text and column.code:
            question = catalogue.questions[column.code].question
            raw: object = text
            if question.type == "multi_choice":
                raw = [part.strip() for part in _BETWEEN_CHOICES.split(text) if part.strip()]
            try:
                value = clean(catalogue, question, raw)
                if value is not None:
                    answers[column.code] = raw
            except InvalidValue as error:
                fault = str(error)
        cells.append(Cell(text, fault))
    return tuple(cells), answers


def _problem(columns: Sequence[Column], number: int, room: int) -> str:
    if not number:
        return "Paste at least one row below the names of the columns."
    if number > room:
        free = f"There is room for {counted(room, 'more row')}" if room else "There is no room for more rows"
        return f"{free}, and {number:,} were pasted. Paste fewer rows, or remove some first."
    if any(column.fault for column in columns):
        return "Two columns go to the same question. Choose one of them."
    if not any(column.code for column in columns):
        return "Choose for at least one column which question it answers."
    return ""
