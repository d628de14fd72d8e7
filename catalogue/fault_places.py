"""Finds the places of a catalogue's parts in the tree of its file. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from catalogue.yaml_nodes import Mapping, Mark, Node, Scalar, Sequence
from rules.definition.faults import CatalogueFault

_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[((?:[^\[\]]|\[[^\]]*\])*)\]")
#: Keys whose entries are named by the key itself, where a fault of such a name is.
_NAMED_BY_KEY: Final = re.compile(r"(?:\Achoices(?:\[[^\]]*\])?|\.rates)\[[^\]]*\]\Z")


@dataclass(frozen=True)
class FilePlaces:
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

    def depth(self, where: str, *, last: bool = False) -> int:
        """Return how many steps of ``where`` are in this file."""
        return self._walk(where, last=last)[1]

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
        return self._walk(where, last=last)[0]

    def _walk(self, where: str, *, last: bool) -> tuple[Node, int]:
        node, steps = self.root, 0
        for match in _STEP.finditer(where):
            below = _below(node, match[1] or match[2], last=last)
            if below is None:
                break
            node, steps = below, steps + 1
        return node, steps


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
