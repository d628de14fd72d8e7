"""Writes the figures into docs/benchmarks.md: tables between marks; the text around them is written by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.capacity import inputs_of, limits_table, needs_table
from benchmarks.figures import Figure, circumstances, shown
from benchmarks.names import Kept, Save, kept, saves
from benchmarks.summary import HEADS, summary

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
SCALING: Final = PAGE.with_name("scaling.md")
VERDICTS: Final = {True: "yes", False: "**no**", None: ""}


def write(figures: Sequence[Figure], machine: Sequence[str], *, page: Path = PAGE) -> None:
    """Replace the tables and the lines about the machine in ``page`` by those of ``figures`` and ``machine``."""
    text = page.read_text(encoding="utf-8")
    for mark, make in TABLES.items():
        text = _replaced(text, mark, make(figures))
    text = _replaced(text, "machine", "\n".join(f"- {line}" for line in machine))
    page.write_text(text, encoding="utf-8")


def write_scaling(figures: Sequence[Figure], *, page: Path = SCALING) -> None:
    """Replace the tables of the capacity model in ``page``."""
    text = page.read_text(encoding="utf-8")
    for mark, rows in {"needs": needs_table(figures), "limits": limits_table(figures)}.items():
        if rows:
            text = _replaced(text, mark, _table(rows[0], rows[1:]))
    text = _replaced(text, "inputs", "\n".join(f"- {line}" for line in inputs_of(figures)))
    page.write_text(text, encoding="utf-8")


def _replaced(text: str, mark: str, content: str) -> str:
    between = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
    return between.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


def _goals(figures: Sequence[Figure]) -> str:
    return _groups(
        [entry for entry in figures if entry["goal"]],
        ("figure", "value", "spread", "goal", "holds"),
        lambda entry: (*_cells(entry), entry["goal"], VERDICTS[entry["holds"]]),
    )


def _others(figures: Sequence[Figure]) -> str:
    on_curves = {id(entry) for entry in (*saves(figures).values(), *kept(figures).values())}
    chosen = [entry for entry in figures if not entry["goal"] and id(entry) not in on_curves]
    return _groups(chosen, ("figure", "value", "spread"), _cells)


def _growth(figures: Sequence[Figure]) -> str:
    points = saves(figures)
    contenders = list(dict.fromkeys(point.contender for point in points))
    delays = sorted({point.delay_ms for point in points})
    rows = []
    for answers, changes in dict.fromkeys((point.answers, point.changes) for point in points):
        cells = [f"{answers:,}", f"{changes:,}"]
        for contender in contenders:
            found = (points.get(Save(answers, changes, delay, contender)) for delay in delays)
            cells.append(" / ".join(shown(entry["value"]) if entry else "-" for entry in found))
        rows.append(cells)
    return _dated(points.values(), _table(("answers", "changes", *contenders), rows))


def _storage_times(figures: Sequence[Figure]) -> str:
    return _storage(figures, ("load", "save"), shown)


def _storage_bytes(figures: Sequence[Figure]) -> str:
    return _storage(figures, ("stored", "WAL of a save"), lambda value: shown(value / 1_000))


def _storage(figures: Sequence[Figure], whats: tuple[str, str], tell: Callable[[float], str]) -> str:
    points = kept(figures)
    sizes = sorted({point.answers for point in points})
    rows = []
    for name in dict.fromkeys(point.format for point in points):
        cells = [name]
        for size in sizes:
            found = (points.get(Kept(size, name, what)) for what in whats)
            cells.append(" / ".join(tell(entry["value"]) if entry else "-" for entry in found))
        rows.append(cells)
    return _dated(points.values(), _table(("format", *(f"{size:,}" for size in sizes)), rows))


def _cells(entry: Figure) -> tuple[str, str, str]:
    spread = "" if entry["low"] == entry["high"] else f"{shown(entry['low'])} to {shown(entry['high'])}"
    return entry["name"], f"{shown(entry['value'])} {entry['unit']}", spread


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _summary(figures: Sequence[Figure]) -> str:
    return _table(HEADS, [(*cells[:-1], "**no**" if cells[-1] == "no" else cells[-1]) for cells in summary(figures)])


def _programs(figures: Sequence[Figure]) -> str:
    begins = ("start of ", "memory of ", "idle relay of ")
    chosen = [one for one in figures if one["name"].startswith(begins)]
    return _groups(chosen, ("figure", "value", "spread"), _cells)


def _groups(figures: Sequence[Figure], heads: Sequence[str], cells: Callable[[Figure], Sequence[str]]) -> str:
    """Return a table for each day and load of ``figures``, in the order of their first ones."""
    groups: dict[str, list[Figure]] = {}
    for entry in figures:
        groups.setdefault(circumstances(entry), []).append(entry)
    tables = [_dated(group, _table(heads, map(cells, group))) for group in groups.values()]
    return "\n\n".join(tables or [_table(heads, ())])


def _dated(figures: Iterable[Figure], table: str) -> str:
    """Return ``table`` below the days and loads of its ``figures``."""
    found = sorted({circumstances(entry) for entry in figures} - {""})
    return f"Measured {'; '.join(found)}:\n\n{table}" if found else table


TABLES: Final[dict[str, Callable[[Sequence[Figure]], str]]] = {
    "summary": _summary,
    "goals": _goals,
    "others": _others,
    "growth": _growth,
    "programs": _programs,
    "storage times": _storage_times,
    "storage bytes": _storage_bytes,
}
