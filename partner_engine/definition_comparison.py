"""The differences between two definitions of a catalogue, shown before publishing and importing, and per release.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from presentation.formats import shortened
from rules.definition.catalogue import CatalogueDefinition


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference at ``where``, a key path such as ``products[QM-BOP].rules[QM-3].when``."""

    where: str
    kind: Literal["added", "removed", "changed", "reordered"]
    before: str = ""
    after: str = ""


def compare(before: CatalogueDefinition | None, after: CatalogueDefinition) -> tuple[Difference, ...]:
    """Return the differences of ``after`` from ``before``, in the definition's order. None is an empty definition."""
    return tuple(_structs("", before or CatalogueDefinition(code=after.code, title=""), after))


def _structs(where: str, before: msgspec.Struct, after: msgspec.Struct) -> Iterator[Difference]:
    for field in after.__struct_fields__:
        path = f"{where}.{field}" if where else field
        yield from _values(path, getattr(before, field), getattr(after, field))


def _values(where: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        # Equal mappings can differ in order, and people see the order of choices.
        yield from _keyed(where, before, after)
    elif before == after:
        return
    elif isinstance(before, msgspec.Struct) and isinstance(after, msgspec.Struct):
        yield from _structs(where, before, after)
    elif _is_parts(before) and _is_parts(after):
        yield from _keyed(where, _by_key(before), _by_key(after))
    else:
        yield Difference(where, "changed", _text(before), _text(after))


def _keyed(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in {**before, **after}:
        path = f"{where}[{key}]"
        if key not in after:
            yield Difference(path, "removed", before=_text(before[key]))
        elif key not in before:
            yield Difference(path, "added", after=_text(after[key]))
        else:
            yield from _values(path, before[key], after[key])
    if [key for key in before if key in after] != [key for key in after if key in before]:
        yield Difference(where, "reordered")


def _is_parts(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(part, msgspec.Struct) for part in value)


def _by_key(parts: tuple[Any, ...]) -> dict[str, Any]:
    """Map ``parts`` by code or id, or else by their number."""
    return {
        str(getattr(part, "code", None) or getattr(part, "id", number)): part for number, part in enumerate(parts, 1)
    }


def _text(value: Any) -> str:
    """Return a value as text for staff: the name of a part, and truncated long texts."""
    if isinstance(value, msgspec.Struct):
        named = (getattr(value, name, "") for name in ("title", "label", "name", "why", "say", "value", "of", "when"))
        value = next(filter(None, named), "")
    elif value is None:
        value = "all"
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, tuple | list):
        value = ", ".join(_text(part) for part in value)
    elif isinstance(value, Mapping):
        value = ", ".join(f"{key}: {_text(part)}" for key, part in value.items())
    return shortened(str(value))
