"""The rows of an imported file, whatever its format. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from operations.imports.errors import EmptyFile, FileTooLarge
from operations.imports.limits import MOST_BLANK_ROWS, MOST_CELL_CHARACTERS, MOST_CELLS, MOST_COLUMNS, MOST_ROWS

#: A cell of a table is text as a person would type it; JSON has its own values.
Cell: TypeAlias = Any
Format: TypeAlias = Literal["csv", "xlsx", "json", "ndjson"]


@dataclass(frozen=True, slots=True)
class RowFault:
    """The fault of a cell, or of a whole row (``column`` "")."""

    column: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row: ``number`` as a spreadsheet shows it (the header is row 1), its ``cells`` by column without blank ones.

    ``item`` is a JSON object that is a form already, with ``answers`` and ``answer_pools``.
    """

    number: int
    cells: Mapping[str, Cell]
    item: Mapping[str, Any] | None = None
    faults: tuple[RowFault, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file that was recognized: its columns, and its rows as often as they are read.

    ``notes`` are sentences for its sender, such as a guessed encoding.
    """

    format: Format
    columns: tuple[str, ...]
    read: Callable[[], Iterator[FileRow]]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    notes: tuple[str, ...] = field(default=())

    def rows(self) -> Iterator[FileRow]:
        """Yield the rows that have a cell. Raises ``ImportRefused``: a limit is exceeded, or the file is damaged."""
        rows = cells = 0
        for row in self.read():
            rows += 1
            cells += len(row.cells)
            if rows > MOST_ROWS:
                raise FileTooLarge("rows", MOST_ROWS)
            if cells > MOST_CELLS:
                raise FileTooLarge("cells", MOST_CELLS)
            yield row
        if not rows:
            raise EmptyFile

    def count(self) -> int:
        """Return the number of rows; reads all of them, so that every fault of the file is known."""
        return sum(1 for _ in self.rows())


#: The shown length of a column's name.
LONGEST_NAME: Final = 200


def name_columns(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns: those without a name and those with one that came before are numbered."""
    trimmed = [" ".join(name.split())[:LONGEST_NAME] for name in header]
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    if len(trimmed) > MOST_COLUMNS:
        raise FileTooLarge("columns", MOST_COLUMNS)
    names: dict[str, None] = {}
    for number, name in enumerate(trimmed, 1):
        unique = name or f"Column {number}"
        count = 1
        while unique in names:
            count += 1
            unique = f"{name or f'Column {number}'} ({count})"
        names[unique] = None
    return tuple(names)


def table_rows(columns: Sequence[str], records: Iterator[tuple[int, Sequence[str]]]) -> Iterator[FileRow]:
    """Yield the rows of a table; ``records`` are row numbers and the texts of the cells. Blank rows are left out."""
    width, blank = len(columns), 0
    for number, record in records:
        cells = {name: text for name, text in zip(columns, record, strict=False) if text.strip()}
        faults = []
        if len(record) > width:
            if len(record) > MOST_COLUMNS:
                raise FileTooLarge("columns", MOST_COLUMNS)
            if any(text.strip() for text in record[width:]):
                detail = f"The row has {len(record)} cells, the header {width}. Is a cell with a comma in quotes?"
                faults.append(RowFault("", "extra_cells", detail))
        for name, text in cells.items():
            if len(text) > MOST_CELL_CHARACTERS:
                faults.append(
                    RowFault(name, "too_long", f"The cell has more than {MOST_CELL_CHARACTERS:,} characters.")
                )
        if cells or faults:
            yield FileRow(
                number, {name: text[: MOST_CELL_CHARACTERS + 1] for name, text in cells.items()}, None, tuple(faults)
            )
            continue
        blank += 1
        if blank > MOST_BLANK_ROWS:
            raise FileTooLarge("blank rows", MOST_BLANK_ROWS)
