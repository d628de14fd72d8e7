"""An example of every struct of a request or response: written by hand, or made from its fields. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from partner_engine.api.http.example_values import BY_FIELD, EXAMPLES

#: Values by type, where the field's name has none.
_BY_TYPE: Final[Mapping[type[inspect.Type], Any]] = {
    inspect.AnyType: "l1m",
    inspect.BoolType: False,
    inspect.BytesType: "",
    inspect.DateTimeType: "2026-11-25T14:06:00Z",
    inspect.DateType: "2026-11-25",
    inspect.FloatType: 0.5,
    inspect.NoneType: None,
    inspect.UUIDType: "01935ad1-5d2c-7a10-8f21-7c0b1f9f3a01",
}


def example_of(shape: type[msgspec.Struct]) -> Any:
    """Return a value that ``shape`` takes, as JSON has it."""
    return EXAMPLES[shape.__name__] if shape.__name__ in EXAMPLES else _of(inspect.type_info(shape), "", ())


def _of(node: inspect.Type, name: str, above: tuple[type, ...]) -> Any:
    """Return an example of a type; ``name`` is its field's, ``above`` are the structs that it is within."""
    if name in BY_FIELD and _takes(node, BY_FIELD[name]):
        return BY_FIELD[name]
    return _BY_TYPE[type(node)] if type(node) in _BY_TYPE else _MAKERS[type(node)](node, name, above)


def _takes(node: inspect.Type, value: Any) -> bool:
    kinds = node.types if isinstance(node, inspect.UnionType) else (node,)
    return any(_is_of(kind, value) for kind in kinds)


def _is_of(node: inspect.Type, value: Any) -> bool:
    if isinstance(node, inspect.Metadata):
        return value in _listed(node) if _listed(node) else _is_of(node.type, value)
    if isinstance(node, (inspect.LiteralType, inspect.EnumType)):
        return value in _options(node)
    kind = _JSON_TYPES.get(type(node))
    return kind is not None and type(value) in kind


_JSON_TYPES: Final[Mapping[type[inspect.Type], tuple[type, ...]]] = {
    inspect.StrType: (str,),
    inspect.IntType: (int,),
    inspect.FloatType: (int, float),
    inspect.BoolType: (bool,),
    inspect.DateTimeType: (str,),
    inspect.DateType: (str,),
    inspect.UUIDType: (str,),
}


def _options(node: Any) -> list[Any]:
    return [item.value for item in node.cls] if isinstance(node, inspect.EnumType) else list(node.values)


def _listed(node: Any) -> list[Any]:
    """Return the values that the description lists for a type, none if it lists none."""
    return list((node.extra_json_schema or {}).get("enum", ()))


def _described(node: Any, name: str, above: tuple[type, ...]) -> Any:
    return next(filter(None, _listed(node)), None) or _of(node.type, name, above)


def _struct(node: Any, name: str, above: tuple[type, ...]) -> Any:
    if node.cls.__name__ in EXAMPLES:
        return EXAMPLES[node.cls.__name__]
    fields = [field for field in node.fields if field.required or field.encode_name in BY_FIELD]
    return {field.encode_name: _of(field.type, field.encode_name, (*above, node.cls)) for field in fields}


def _union(node: Any, name: str, above: tuple[type, ...]) -> Any:
    kinds = [kind for kind in node.types if not isinstance(kind, inspect.NoneType)]
    is_within_itself = isinstance(kinds[0], inspect.StructType) and kinds[0].cls in above
    return None if is_within_itself else _of(kinds[0], name, above)


def _list(node: Any, name: str, above: tuple[type, ...]) -> list[Any]:
    item = node.item_type
    return [] if isinstance(item, inspect.StructType) and item.cls in above else [_of(item, name, above)]


def _dict(node: Any, name: str, above: tuple[type, ...]) -> dict[str, Any]:
    item = node.value_type
    if isinstance(item, inspect.StructType) and item.cls in above:
        return {}
    key = _of(node.key_type, f"{name}.key", above)
    return {key or "mqs_gl_limit": _of(item, name, above)}


def _whole_number(node: Any, name: str, above: tuple[type, ...]) -> int:
    return max(1, node.ge or 0) if node.le is None or node.le >= 1 else int(node.le)


def _text(node: Any, name: str, above: tuple[type, ...]) -> str:
    return "x" * (node.min_length or 0)


#: Makers of examples by type; each is called with the type, the name of its field and the structs above it.
_MAKERS: Final[Mapping[type[inspect.Type], Callable[[Any, str, tuple[type, ...]], Any]]] = {
    inspect.StructType: _struct,
    inspect.UnionType: _union,
    inspect.Metadata: _described,
    inspect.ListType: _list,
    inspect.VarTupleType: _list,
    inspect.DictType: _dict,
    inspect.IntType: _whole_number,
    inspect.StrType: _text,
    inspect.LiteralType: lambda node, name, above: _options(node)[0],
    inspect.EnumType: lambda node, name, above: _options(node)[0],
}
