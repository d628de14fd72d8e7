"""The syntax tree of a CEL text: decoded from the CEL parser's protobuf, and written as text again. Pure.

The parser runs without macros, so that ``rows.exists(r, ...)`` stays a call instead of the loop that it abbreviates.
Only the field numbers of CEL's published ``syntax.proto`` are needed; they are described here in code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message, message_factory

MACROS: Final = frozenset({"exists", "all", "map", "filter", "exists_one"})
_BINARY: Final = {
    "_||_": ("||", 1),
    "_&&_": ("&&", 2),
    "_==_": ("==", 3),
    "_!=_": ("!=", 3),
    "_<_": ("<", 3),
    "_<=_": ("<=", 3),
    "_>_": (">", 3),
    "_>=_": (">=", 3),
    "@in": ("in", 3),
    "_+_": ("+", 4),
    "_-_": ("-", 4),
    "_*_": ("*", 5),
    "_/_": ("/", 5),
}
_TIGHT: Final = 7
_FIELD: Final = descriptor_pb2.FieldDescriptorProto


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A constant; ``kind`` is CEL's (``int64_value``, ``string_value``, ``null_value``)."""

    value: Any
    kind: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A variable."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """``operand.field``."""

    operand: Node
    field: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operator (``_&&_``) or function; the target of a method is the first of ``args``."""

    function: str
    args: tuple[Node, ...]
    is_method: bool
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """``[a, b]``."""

    items: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """``source.name(variable, body)``, or ``source.map(variable, condition, body)``."""

    name: str
    source: Node
    variable: str
    condition: Node | None
    body: Node
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A CEL construct that is not part of the rule language; ``name`` is its name."""

    name: str
    offset: int


Node: TypeAlias = Literal | Name | Field | Call | ListOf | Macro | Foreign


def decode(serialized: bytes) -> Node:
    """Return the tree of a serialized parsed expression (a ``google.protobuf.Any``).

    Raises ``DecodeError`` if it is nested too deep.
    """
    envelope = any_pb2.Any.FromString(serialized)
    parsed: Any = _PARSED.FromString(envelope.value)
    offsets = {entry.key: entry.value for entry in parsed.source_info.positions}
    return _node(parsed.expr, offsets)


def unparse(node: Node, level: int = 0) -> str:
    """Return ``node`` as CEL text, with parentheses only where precedence ``level`` needs them."""
    match node:
        case Literal():
            return _literal(node)
        case Name():
            return node.name
        case Field():
            return f"{unparse(node.operand, _TIGHT)}.{node.field}"
        case ListOf():
            return f"[{', '.join(map(unparse, node.items))}]"
        case Macro():
            bodies = [unparse(body) for body in (node.condition, node.body) if body is not None]
            return f"{unparse(node.source, _TIGHT)}.{node.name}({', '.join([node.variable, *bodies])})"
        case Call():
            return _call(node, level)
        case Foreign():
            return node.name


def _call(node: Call, level: int) -> str:
    if node.function in _BINARY:
        sign, own = _BINARY[node.function]
        left, right = node.args
        text = f"{unparse(left, own)} {sign} {unparse(right, own + (sign not in ('&&', '||')))}"
    elif node.function == "_?_:_":
        own = 0
        condition, yes, no = node.args
        text = f"{unparse(condition, 1)} ? {unparse(yes, 1)} : {unparse(no, 0)}"
    elif node.function in ("!_", "-_"):
        own = 6
        text = f"{node.function[0]}{unparse(node.args[0], own)}"
    elif node.is_method:
        target, *rest = node.args
        return f"{unparse(target, _TIGHT)}.{node.function}({', '.join(map(unparse, rest))})"
    else:
        return f"{node.function}({', '.join(map(unparse, node.args))})"
    return f"({text})" if own < level else text


def _literal(node: Literal) -> str:
    if isinstance(node.value, str):
        return json.dumps(node.value, ensure_ascii=False)
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    if isinstance(node.value, float) and node.value.is_integer() and abs(node.value) < 10**15:
        return str(int(node.value))
    return str(node.value)


def _node(expr: Any, offsets: dict[int, int]) -> Node:
    offset = offsets.get(expr.id, 0)
    match expr.WhichOneof("kind"):
        case "const_expr":
            kind = expr.const_expr.WhichOneof("kind") or "null_value"
            return Literal(value=getattr(expr.const_expr, kind), kind=kind, offset=offset)
        case "ident_expr":
            return Name(name=expr.ident_expr.name, offset=offset)
        case "select_expr":
            select = expr.select_expr
            return Field(operand=_node(select.operand, offsets), field=select.field, offset=offset)
        case "call_expr":
            return _called(expr.call_expr, offset, offsets)
        case "list_expr":
            items = tuple(_node(item, offsets) for item in expr.list_expr.elements)
            return ListOf(items=items, offset=offset)
        case _:
            return Foreign(name="{...}", offset=offset)


def _called(call: Any, offset: int, offsets: dict[int, int]) -> Node:
    is_method = call.HasField("target")
    args = tuple(_node(arg, offsets) for arg in ((call.target, *call.args) if is_method else call.args))
    if is_method and call.function in MACROS and len(args) in (3, 4) and isinstance(args[1], Name):
        condition = args[2] if len(args) == 4 else None
        return Macro(
            name=call.function, source=args[0], variable=args[1].name, condition=condition, body=args[-1], offset=offset
        )
    return Call(function=call.function, args=args, is_method=is_method, offset=offset)


def _describe() -> type[message.Message]:
    """Return the message class of ``cel.expr.ParsedExpr``, reduced to the fields that are read."""
    one, many = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED
    text, whole, nested, truth = _FIELD.TYPE_STRING, _FIELD.TYPE_INT64, _FIELD.TYPE_MESSAGE, _FIELD.TYPE_BOOL
    shapes: dict[str, tuple[tuple[int, str, Any, Any, str], ...]] = {
        "Constant": (
            (1, "null_value", _FIELD.TYPE_INT32, one, ""),
            (2, "bool_value", truth, one, ""),
            (3, "int64_value", whole, one, ""),
            (4, "uint64_value", _FIELD.TYPE_UINT64, one, ""),
            (5, "double_value", _FIELD.TYPE_DOUBLE, one, ""),
            (6, "string_value", text, one, ""),
            (7, "bytes_value", _FIELD.TYPE_BYTES, one, ""),
        ),
        "Ident": ((1, "name", text, one, ""),),
        "Select": ((1, "operand", nested, one, "Expr"), (2, "field", text, one, "")),
        "Call": ((1, "target", nested, one, "Expr"), (2, "function", text, one, ""), (3, "args", nested, many, "Expr")),
        "List": ((1, "elements", nested, many, "Expr"),),
        "Expr": (
            (2, "id", whole, one, ""),
            (3, "const_expr", nested, one, "Constant"),
            (4, "ident_expr", nested, one, "Ident"),
            (5, "select_expr", nested, one, "Select"),
            (6, "call_expr", nested, one, "Call"),
            (7, "list_expr", nested, one, "List"),
        ),
        "Position": ((1, "key", whole, one, ""), (2, "value", _FIELD.TYPE_INT32, one, "")),
        "SourceInfo": ((4, "positions", nested, many, "Position"),),
        "ParsedExpr": ((2, "expr", nested, one, "Expr"), (3, "source_info", nested, one, "SourceInfo")),
    }
    file = descriptor_pb2.FileDescriptorProto(name="syntax.proto", package="cel", syntax="proto3")
    for name, fields in shapes.items():
        shape = file.message_type.add(name=name)
        if name in ("Constant", "Expr"):
            shape.oneof_decl.add(name="kind")
        for number, field_name, kind, label, of in fields:
            field = shape.field.add(name=field_name, number=number, type=kind, label=label)
            if of:
                field.type_name = f".cel.{of}"
            if shape.oneof_decl and field_name != "id":
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made: type[message.Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("cel.ParsedExpr"))
    return made


_PARSED: Final = _describe()
