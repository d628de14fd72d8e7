"""Texts of the catalogue commands: results, and the faults of a file. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueFault

#: So many equal faults are shown; the others are counted.
MOST_EQUAL: Final = 20


def without_repetitions(faults: Iterable[CatalogueFault]) -> tuple[list[CatalogueFault], list[str]]:
    """Return the first twenty of each group of equal faults (code and text), and a sentence for each longer group."""
    shown, counts = [], Counter[tuple[str, str]]()
    for fault in faults:
        counts[fault.code, fault.text] += 1
        if counts[fault.code, fault.text] <= MOST_EQUAL:
            shown.append(fault)
    more = [
        f"{code}: {text} And {count - MOST_EQUAL} more like this."
        for (code, text), count in counts.items()
        if count > MOST_EQUAL
    ]
    return shown, more


def describe_warnings(warnings: Iterable[CatalogueFault], *, file: str = "") -> str:
    """Return the warnings as ``describe_faults`` does, with a heading; "" without any."""
    found = list(warnings)
    if not found:
        return ""
    heading = "1 warning" if len(found) == 1 else f"{len(found)} warnings"
    return f"{heading}, which hinder nothing:\n{describe_faults(found, file=file)}"


def describe_faults(faults: Iterable[CatalogueFault], *, file: str = "") -> str:
    """Return one line per fault, as compilers print them: place, code, problem, remedy, part.

    Of more than twenty equal ones, the others are counted at the end.
    """
    shown, more = without_repetitions(faults)
    lines = []
    for fault in shown:
        place = _place(fault, file)
        part = fault.where if file else _within(fault)
        start = f"{place}: " if place else ""
        lines.append(f"{start}{fault.code}: {fault.text} {fault.remedy}" + (f" [{part}]" if part else ""))
    return "\n".join([*lines, *more])


def _place(fault: CatalogueFault, file: str) -> str:
    """Return file, line and column."""
    name = _file_of(fault, file)
    return f"{name}:{fault.line}:{fault.column}" if name and fault.line else name


def _file_of(fault: CatalogueFault, file: str) -> str:
    """Return the file of ``fault``: the catalogue's ``file``, or a carrier package beside it."""
    return str(Path(file).parent / fault.file) if file and fault.file else file


def _within(fault: CatalogueFault) -> str:
    """Return the part of a draft that has the fault, with the place in its condition."""
    return f"{fault.where}, column {fault.column}" if fault.column else fault.where


def fault_data(fault: CatalogueFault, *, file: str) -> dict[str, str | int | None]:
    """Return a fault as plain data for programs."""
    return {
        "file": _file_of(fault, file),
        "line": fault.line,
        "column": fault.column,
        "code": fault.code,
        "where": fault.where,
        "text": fault.text,
        "remedy": fault.remedy,
    }


def count_parts(definition: CatalogueDefinition) -> dict[str, int]:
    """Return the number of parts of each kind in ``definition``."""
    return {
        "question sets": len(definition.question_sets),
        "questions": sum(len(part.questions) for part in definition.question_sets),
        "pools": sum(part.pool is not None for part in definition.question_sets),
        "choice lists": len(definition.choices),
        "derived values": len(definition.derived),
        "form rules": len(definition.form_rules),
        "lines": len(definition.lines),
        "carriers": len(definition.carriers),
        "products": len(definition.products),
        "product rules": sum(len(product.rules) for product in definition.products),
    }


def describe_parts(definition: CatalogueDefinition) -> str:
    """Return the counts as a phrase: "20 question sets, 105 questions, 1 pool"."""
    return ", ".join(f"{count} {name[:-1] if count == 1 else name}" for name, count in count_parts(definition).items())
