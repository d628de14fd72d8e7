"""The catalogue file: reads it into a definition, and reports every fault with line and column. Pure.

The layout is that of the structs of ``rules.definition.catalogue`` in YAML, see ``docs/catalogue.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from catalogue.file_shape import read_shape, to_definition
from catalogue.file_writer import write_catalogue
from catalogue.strict_check import check_catalogue
from catalogue.yaml_nodes import Mapping, Mark, Node, Scalar, Sequence, UnreadableFile, read_nodes
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors, CatalogueFault, CatalogueWarning

__all__ = ["read_catalogue", "read_with_warnings", "write_catalogue"]

_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[((?:[^\[\]]|\[[^\]]*\])*)\]")


#: Keys whose entries are named by the key itself, where a fault of such a name is.
_NAMED_BY_KEY: Final = re.compile(r"(?:\Achoices(?:\[[^\]]*\])?|\.rates)\[[^\]]*\]\Z")


def read_catalogue(source: Path | str) -> CatalogueDefinition:
    """Return the catalogue in ``source`` as ``read_with_warnings`` does, without its warnings."""
    return read_with_warnings(source)[0]


def read_with_warnings(source: Path | str) -> tuple[CatalogueDefinition, list[CatalogueFault]]:
    """Return the catalogue in ``source``, a file's path or its text, after checking it, and its warnings in order.

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
        found, warnings = _findings(definition, root)
        faults += [fault for fault in found if (fault.code, fault.line, fault.column) not in reported]
        if not faults:
            return definition, warnings
    raise CatalogueErrors(_in_order(faults))


def _in_order(faults: Iterable[CatalogueFault]) -> list[CatalogueFault]:
    return sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0, fault.code, fault.where))


def _findings(
    definition: CatalogueDefinition, root: Node
) -> tuple[list[CatalogueFault], list[CatalogueFault]]:  # fmt: skip
    """Return the faults of ``definition`` and its warnings, each with its place in the file."""
    places = _Places(root)
    try:
        warnings: list[CatalogueWarning] = check_catalogue(definition).warnings
    except CatalogueErrors as error:
        return [places.placed(fault) for fault in error.faults], []
    return [], _in_order(places.placed(warning) for warning in warnings)


@dataclass(frozen=True)
class _Places:
    """Finds key paths such as ``derived[d_total].value`` in the tree of a file."""

    root: Node

    def placed(self, fault: CatalogueFault) -> CatalogueFault:
        """Return ``fault`` with the line and column of the file instead of those within its condition."""
        node = self._node(fault.where, last=fault.code.startswith("duplicate"))
        mark: Mark = node.mark
        if _NAMED_BY_KEY.search(fault.where):
            mark = self._key_mark(fault.where) or mark
        if fault.column and isinstance(node, Scalar):
            lines = node.text.split("\n")[: (fault.line or 1) - 1]
            mark = node.place_of(sum(len(line) + 1 for line in lines) + fault.column - 1)
        return msgspec.structs.replace(fault, line=mark.line, column=mark.column)

    def _key_mark(self, where: str) -> Mark | None:
        """Return the place of the key that the last step of ``where`` names."""
        *_, step = _STEP.finditer(where)
        around = self._node(where[: step.start()], last=False)
        key = around.keys.get(step[1] or step[2]) if isinstance(around, Mapping) else None
        if key is None and isinstance(around, Sequence):
            below = _below(around, step[1] or step[2], last=False)
            return below.mark if below is not None else None
        return key.mark if key is not None else None

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
