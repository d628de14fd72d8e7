"""The schemas of the structs of requests and responses, as components of the description."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from partner_engine.problems import Problem
from presentation.shape_faults import core_type, fields_of

Schema = dict[str, Any]

REF_TEMPLATE: Final = "#/components/schemas/{name}"
#: The name of the schema of what reads return with ``?fields=``.
SELECTED: Final = "Selected"
_SELECTED_FIELDS: Final[Schema] = {
    "type": "object",
    "description": "What a read returns with `?fields=`: the selected fields of its other schema, with their types. "
    "Every property can be absent, also in entries of lists, whose `results`, `next` and `cursor` remain.",
    "additionalProperties": {},
}
#: Every struct of a request or response, collected as the views are defined.
_described: dict[str, type[msgspec.Struct]] = {"Problem": Problem}


def reference(shape: type[msgspec.Struct]) -> Schema:
    """Return the reference to the schema of ``shape``, which becomes a component."""
    _described[shape.__name__] = shape
    return {"$ref": REF_TEMPLATE.format(name=shape.__name__)}


def selected_reference() -> Schema:
    """Return the reference to the schema of selected fields, in which no property is required."""
    return {"$ref": REF_TEMPLATE.format(name=SELECTED)}


def described(name: str) -> type[msgspec.Struct]:
    """Return the struct of a component."""
    return _described[name]


def is_described(name: str) -> bool:
    """Return whether the component is that of a struct."""
    return name in _described


def components() -> dict[str, Schema]:
    """Return the schemas of all described structs and of the structs within them, by name."""
    shapes = list(_described.values())
    _, schemas = msgspec.json.schema_components(shapes, ref_template=REF_TEMPLATE)
    for struct in structs_within(shapes):
        _state_formats(schemas[_name_in(schemas, struct)], struct)
    schemas[SELECTED] = _SELECTED_FIELDS
    return {name: _for_tools(schemas[name]) for name in sorted(schemas)}


def _for_tools(part: Any) -> Any:
    """Return a schema, or a part of one, as generators of clients understand it too: lists state their items, and a
    single value is a constant. Texts of several lines lose the indentation of the code.
    """
    if isinstance(part, list):
        return [_for_tools(item) for item in part]
    if not isinstance(part, dict):
        return part
    stated = {name: _for_tools(value) for name, value in part.items()}
    if isinstance(text := stated.get("description"), str):
        stated["description"] = inspect.cleandoc(text)
    if stated.get("type") == "array" and "items" not in stated and "prefixItems" not in stated:
        stated["items"] = {}
    if stated.get("enum") == [True]:
        stated = {"type": "boolean", "const": True, **{name: stated[name] for name in stated if name != "enum"}}
    return stated


def structs_within(shapes: list[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """Return the structs ``shapes`` and all those in their fields."""
    found: set[type[msgspec.Struct]] = set()
    waiting: list[Any] = list(msgspec.inspect.multi_type_info(shapes))
    while waiting:
        node = waiting.pop()
        if isinstance(node, msgspec.inspect.StructType):
            if node.cls in found:
                continue
            found.add(node.cls)
        waiting.extend(_parts(node))
    return found


def _name_in(schemas: Mapping[str, Schema], struct: type[msgspec.Struct]) -> str:
    """Return the name of a struct's schema; structs of the same name have their modules before it."""
    return struct.__name__ if struct.__name__ in schemas else f"{struct.__module__}.{struct.__qualname__}"


def _parts(node: Any) -> Iterator[msgspec.inspect.Type]:
    """Yield the types directly within a type."""
    if isinstance(node, msgspec.inspect.StructType):
        yield from (field.type for field in node.fields)
    for name in ("types", "item_types"):
        yield from getattr(node, name, ())
    for name in ("type", "item_type", "key_type", "value_type"):
        part = getattr(node, name, None)
        if isinstance(part, msgspec.inspect.Type):
            yield part


def _state_formats(schema: Schema, struct: type[msgspec.Struct]) -> None:
    """Add the format of times, which msgspec states only for those that it requires an offset of."""
    for name, field in fields_of(struct).items():
        if core_type(field.type) is datetime:
            property_ = schema["properties"][name]
            for option in property_.get("anyOf", [property_]):
                if option.get("type") == "string":
                    option["format"] = "date-time"
