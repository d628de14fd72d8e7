"""An item as the cells of one row, and back: ``answers`` by their codes, rows as ``locations[1].mqs_loc_zip``. Pure.

A cell that comes back as it was shown means the value that it was made of, with its type; so a mask means the value
behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from copies.mask import begins_like_mask
from operations.imports.table import RowFault
from presentation.csv_cells import safe_cell

#: The keys, numbers and pools that lead to a value inside of an item.
Place: TypeAlias = tuple[str | int, ...]
_ANSWERS: Final = "answers"
_POOLS: Final = "answer_pools"
_ROW_KEYS: Final = ("id", "delete")
_STEP: Final = re.compile(r"([A-Za-z0-9_]{1,64})\[([1-9][0-9]{0,4})\]\.")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_BETWEEN: Final = "; "
#: Rows of a corrected item that lie further apart than this are no correction.
_MOST_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of an item: its place, the code of its question or field, and whether it is an answer."""

    place: Place
    code: str
    value: Any
    is_answer: bool


def leaves_of(item: Mapping[str, Any]) -> dict[str, Leaf]:
    """Return the values of ``item`` by the names of their columns, in order."""
    return dict(_leaves(item, (), ""))


def _leaves(holder: Mapping[str, Any], place: Place, prefix: str) -> Iterator[tuple[str, Leaf]]:
    for key, value in holder.items():
        if key == _ANSWERS and isinstance(value, Mapping):
            for code, answer in value.items():
                yield f"{prefix}{code}", Leaf((*place, _ANSWERS, code), code, answer, is_answer=True)
        elif key == _POOLS and isinstance(value, Mapping):
            for pool, rows in value.items():
                yield from _rows(pool, rows, (*place, _POOLS, pool), prefix)
        else:
            yield f"{prefix}{key}", Leaf((*place, key), key, value, is_answer=False)


def _rows(pool: str, rows: Any, place: Place, prefix: str) -> Iterator[tuple[str, Leaf]]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        yield f"{prefix}{pool}", Leaf(place, pool, rows, is_answer=True)
        return
    for number, row in enumerate(rows):
        yield from _leaves(row, (*place, number), f"{prefix}{pool}[{number + 1}].")


def cell_text(value: Any) -> str:
    """Return ``value`` as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, str) and ";" not in part for part in value):
        return _BETWEEN.join(value)
    return json.dumps(value, ensure_ascii=False)


def correct(
    item: Mapping[str, Any],
    cells: Mapping[str, str],
    shown: Callable[[Leaf], str],
    *,
    fields: Collection[str] = (),
) -> tuple[dict[str, Any], list[RowFault]]:
    """Return ``item`` with the corrections in ``cells``, by column, and the faults of columns and cells.

    ``shown`` is the text that was sent out for a value, ``fields`` are those of items besides answers. A blank cell
    removes its value; columns that are missing change nothing.
    """
    leaves = leaves_of(item)
    values: dict[Place, Any] = {leaf.place: leaf.value for leaf in leaves.values()}
    faults = []
    for column, cell in cells.items():
        leaf = leaves.get(column)
        if leaf is not None and cell in (safe_cell(shown(leaf)), shown(leaf)):
            continue
        if not cell.strip():
            if leaf is not None and leaf.value is not None:
                del values[leaf.place]
            continue
        text = _as_typed(cell)
        place = leaf.place if leaf is not None else (column,) if column in fields else place_of(column)
        if place is None:
            faults.append(RowFault(column, "unknown_column", "The name of this column is not valid."))
        elif begins_like_mask(text):
            detail = "This is a mask and not the answer. Leave it as it was sent, or enter the whole answer."
            faults.append(RowFault(column, "masked_value", detail))
        else:
            values[place] = _value(text, leaf)
    if values == {leaf.place: leaf.value for leaf in leaves.values()}:
        return dict(item), faults
    return _built(values), faults


def place_of(column: str) -> Place | None:
    """Return the place that the name of a new column means: an answer, None for an invalid name."""
    place: list[str | int] = []
    at = 0
    while step := _STEP.match(column, at):
        if int(step[2]) > _MOST_ROWS:
            return None
        place += [_POOLS, step[1], int(step[2]) - 1]
        at = step.end()
    name = column[at:]
    if not _NAME.fullmatch(name):
        return None
    return (*place, name) if place and name in _ROW_KEYS else (*place, _ANSWERS, name)


def _as_typed(cell: str) -> str:
    """Return ``cell`` without the apostrophe that kept a spreadsheet from computing it."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell


def _value(text: str, leaf: Leaf | None) -> Any:
    """Return the value that ``text`` means in place of that of ``leaf``; a text where nothing else is known."""
    before = leaf.value if leaf is not None else None
    if isinstance(before, list) and all(isinstance(part, str) for part in before):
        return [part.strip() for part in re.split(r"[;|\n]", text) if part.strip()]
    if isinstance(before, list | dict) or (leaf is not None and not leaf.is_answer and isinstance(before, bool)):
        try:
            return json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            return text
    return text


def _built(values: Mapping[Place, Any]) -> dict[str, Any]:
    """Return the item of ``values`` by place; rows without any value are left out."""
    root: dict[Any, Any] = {}
    for place, value in values.items():
        holder = root
        for key in place[:-1]:
            holder = holder.setdefault(key, {})
        holder[place[-1]] = value
    return {key: _listed(value) for key, value in root.items()}


def _listed(value: Any) -> Any:
    """Return ``value`` with its numbered parts as lists. Only what was built here has numbers for keys."""
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) for key in value):
        return [_listed(value[number]) for number in sorted(value)]
    return {key: _listed(part) for key, part in value.items()}
