"""Texts of the catalogue commands: results, and the faults of a file. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueFault


def describe_faults(faults: Iterable[CatalogueFault], *, file: str = "") -> str:
    """Return one line per fault, as compilers print them: place, code, problem, remedy, part."""
    lines = []
    for fault in faults:
        place = f"{file}:{fault.line}:{fault.column}" if file and fault.line else file
        part = fault.where if file else _within(fault)
        start = f"{place}: " if place else ""
        lines.append(f"{start}{fault.code}: {fault.text} {fault.remedy}" + (f" [{part}]" if part else ""))
    return "\n".join(lines)


def _within(fault: CatalogueFault) -> str:
    """Return the part of a draft that has the fault, with the place in its condition."""
    return f"{fault.where}, column {fault.column}" if fault.column else fault.where


def fault_data(fault: CatalogueFault, *, file: str) -> dict[str, str | int | None]:
    """Return a fault as plain data for programs."""
    return {
        "file": file,
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
