"""From a row of a file to the item of the operation: the answers and rows of one new form. Pure.

Texts stay as they were typed: cleaning and the rules read them as they read what people type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from operations.imports.mapping import ColumnMapping, Target
from operations.imports.table import Cell, FileRow
from presentation.faults import join_pointer
from rules.definition.model import CompiledCatalogue

#: The signs between the choices of one cell.
_BETWEEN_CHOICES: Final = re.compile(r"[;|\n]")
_COMMA: Final = ","


@dataclass(frozen=True, slots=True)
class MappedRow:
    """The item of a row, as JSON values, and the column that each pointer into it comes from."""

    number: int
    item: Mapping[str, Any]
    columns: Mapping[str, str]

    def column_of(self, pointer: str) -> str:
        """Return the column that ``pointer`` comes from, "" for none: a fault of a form may concern no column."""
        return self.columns.get(pointer, "")


def mapped_row(row: FileRow, mapping: ColumnMapping, catalogue: CompiledCatalogue) -> MappedRow:
    """Return the item of ``row``. A row that is a form already is returned as it is."""
    if row.item is not None:
        return MappedRow(row.number, row.item, {})
    item: dict[str, Any] = {}
    columns: dict[str, str] = {}
    places = _places(row, mapping)
    for column, cell in row.cells.items():
        target = mapping.targets.get(column)
        if target is None:
            continue
        if target.is_field:
            item[target.code] = cell.strip() if isinstance(cell, str) else str(cell)
            columns[join_pointer("", target.code)] = column
            continue
        holder, pointer = item, ""
        for depth in range(len(target.rows)):
            pool, place = target.rows[depth][0], places[target.rows[: depth + 1]]
            rows = holder.setdefault("answer_pools", {}).setdefault(pool, [])
            while len(rows) <= place:
                rows.append({})
            holder, pointer = rows[place], join_pointer(pointer, "answer_pools", pool, place)
        holder.setdefault("answers", {})[target.code] = _value(cell, target, catalogue)
        columns[join_pointer(pointer, "answers", target.code)] = column
    return MappedRow(row.number, item, columns)


def _places(row: FileRow, mapping: ColumnMapping) -> Mapping[tuple[tuple[str, int], ...], int]:
    """Return the place of each row of a pool among those of this file row that have a cell: locations 1 and 3 become
    the first and the second row.
    """
    present = {
        target.rows[: depth + 1]
        for column in row.cells
        if (target := mapping.targets.get(column)) is not None
        for depth in range(len(target.rows))
    }
    places: dict[tuple[tuple[str, int], ...], int] = {}
    count: dict[tuple[object, str], int] = {}
    for rows in sorted(present):
        pool = (rows[:-1], rows[-1][0])
        places[rows] = count.get(pool, 0)
        count[pool] = places[rows] + 1
    return places


def _value(cell: Cell, target: Target, catalogue: CompiledCatalogue) -> Cell:
    """Return ``cell`` as an answer: several choices in one cell as a list, all others as they are."""
    question = catalogue.questions[target.code].question
    if question.type != "multi_choice" or not isinstance(cell, str):
        return cell
    if _BETWEEN_CHOICES.search(cell):
        return [part.strip() for part in _BETWEEN_CHOICES.split(cell) if part.strip()]
    choices = catalogue.choices(question)
    whole = cell.strip()
    if _COMMA not in whole or whole in choices or whole in choices.values():
        return [whole]
    return [part.strip() for part in whole.split(_COMMA) if part.strip()]
