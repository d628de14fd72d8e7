"""The catalogue file: reads it into a definition, and reports every fault with line and column. Pure.

The layout is that of the structs of ``rules.definition.catalogue`` in YAML, see ``docs/catalogue.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from catalogue.file_shape import read_shape, to_definition
from catalogue.file_writer import write_catalogue
from catalogue.yaml_nodes import Mapping, Mark, Node, Scalar, Sequence, UnreadableFile, read_nodes
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors, CatalogueFault

__all__ = ["read_catalogue", "write_catalogue"]

_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[((?:[^\[\]]|\[[^\]]*\])*)\]")


def read_catalogue(source: Path | str) -> CatalogueDefinition:
    """Return the catalogue in ``source``, a file's path or its text, after compiling it.

    Raises ``CatalogueErrors`` with every fault in order; ``line`` and ``column`` are those of the file. Raises
    ``OSError`` if the file cannot be read.
    """
    try:
        text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source.removeprefix("\ufeff")
        root = read_nodes(text)
    except UnreadableFile as error:
        fault = CatalogueFault(error.code, "", str(error), error.remedy, error.mark.line, error.mark.column)
        raise CatalogueErrors([fault]) from error
    except UnicodeDecodeError as error:
        fault = CatalogueFault("bad_yaml", "", "The file is not UTF-8.", "Save it as UTF-8.", 1, 1)
        raise CatalogueErrors([fault]) from error
    data, faults = read_shape(root)
    if data is not None:
        definition = to_definition(data)
        reported = {(fault.code, fault.line, fault.column) for fault in faults}
        faults += [
            fault
            for fault in _compile_faults(definition, root)
            if (fault.code, fault.line, fault.column) not in reported
        ]
        if not faults:
            return definition
    raise CatalogueErrors(
        sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0, fault.code, fault.where))
    )


def _compile_faults(definition: CatalogueDefinition, root: Node) -> list[CatalogueFault]:
    """Return the faults that compiling ``definition`` finds, each with its place in the file."""
    try:
        compile_catalogue(definition)
    except CatalogueErrors as error:
        places = _Places(root)
        return [places.placed(fault) for fault in error.faults]
    return []


@dataclass(frozen=True)
class _Places:
    """Finds key paths such as ``derived[d_total].value`` in the tree of a file."""

    root: Node

    def placed(self, fault: CatalogueFault) -> CatalogueFault:
        """Return ``fault`` with the line and column of the file instead of those within its condition."""
        node = self._node(fault.where, last=fault.code.startswith("duplicate"))
        mark: Mark = node.mark
        if fault.column and isinstance(node, Scalar):
            lines = node.text.split("\n")[: (fault.line or 1) - 1]
            mark = node.place_of(sum(len(line) + 1 for line in lines) + fault.column - 1)
        return msgspec.structs.replace(fault, line=mark.line, column=mark.column)

    def _node(self, where: str, *, last: bool) -> Node:
        """Return the node at ``where``, or the nearest one around it.

        ``last`` chooses the last of several items with one code.
        """
        node = self.root
        for match in _STEP.finditer(where):
            below = _below(node, match[1] or match[2], last=last)
            if below is None:
                break
            node = below
        return node


def _below(node: Node, step: str, *, last: bool) -> Node | None:
    """Return the node that ``step`` (a key, an item's code or id, an item's number) names in ``node``."""
    if isinstance(node, Mapping):
        return node.values.get(step)
    if not isinstance(node, Sequence):
        return None
    named = [item for item in node.items if _has_name(item, step)]
    if named:
        return named[-1 if last else 0]
    return node.items[int(step)] if step.isdecimal() and int(step) < len(node.items) else None


def _has_name(item: Node, name: str) -> bool:
    if isinstance(item, Scalar):
        return item.text == name
    if isinstance(item, Sequence):
        return False
    return any(isinstance(value := item.values.get(key), Scalar) and value.text == name for key in ("code", "id"))
