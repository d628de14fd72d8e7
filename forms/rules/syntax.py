"""From CEL text to a syntax tree of our own, by the CEL parser; its answer is protobuf, decoded here by descriptors made in code. Pure.

Only the wire numbers of CEL's published ``syntax.proto`` are needed. Macros come back as the calls that were written, not as the loops they expand to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message, message_factory

MACROS: Final = frozenset({"exists", "all", "map", "filter", "exists_one"})
_FIELD: Final = descriptor_pb2.FieldDescriptorProto


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A constant: text, truth, int, float; ``kind`` names what the language does not take (``uint64_value``, ``bytes_value``, ``null_value``)."""

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
    """An operator (``_&&_``) or function; ``target`` is what a method is called on and then also the first of ``args``."""

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
    """Something of CEL that this language leaves out; ``name`` says what."""

    name: str
    offset: int


Node: TypeAlias = Literal | Name | Field | Call | ListOf | Macro | Foreign


class TooDeep(Exception):
    """The expression is nested deeper than the decoder goes."""


def _describe() -> type[message.Message]:
    """Return the message class of ``cel.expr.ParsedExpr``, reduced to what is read."""
    file = descriptor_pb2.FileDescriptorProto(name="syntax.proto", package="cel", syntax="proto3")
    one, many = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED
    text, whole, nested = _FIELD.TYPE_STRING, _FIELD.TYPE_INT64, _FIELD.TYPE_MESSAGE
    shapes: dict[str, list[tuple[int, str, int, int, str]]] = {
        "Constant": [
            (1, "null_value", _FIELD.TYPE_INT32, one, ""),
            (2, "bool_value", _FIELD.TYPE_BOOL, one, ""),
            (3, "int64_value", whole, one, ""),
            (4, "uint64_value", _FIELD.TYPE_UINT64, one, ""),
            (5, "double_value", _FIELD.TYPE_DOUBLE, one, ""),
            (6, "string_value", text, one, ""),
            (7, "bytes_value", _FIELD.TYPE_BYTES, one, ""),
        ],
        "Ident": [(1, "name", text, one, "")],
        "Select": [(1, "operand", nested, one, "Expr"), (2, "field", text, one, ""), (3, "test_only", _FIELD.TYPE_BOOL, one, "")],
        "Call": [(1, "target", nested, one, "Expr"), (2, "function", text, one, ""), (3, "args", nested, many, "Expr")],
        "List": [(1, "elements", nested, many, "Expr")],
        "Other": [],
        "Expr": [
            (2, "id", whole, one, ""),
            (3, "const_expr", nested, one, "Constant"),
            (4, "ident_expr", nested, one, "Ident"),
            (5, "select_expr", nested, one, "Select"),
            (6, "call_expr", nested, one, "Call"),
            (7, "list_expr", nested, one, "List"),
            (8, "struct_expr", nested, one, "Other"),
            (9, "comprehension_expr", nested, one, "Other"),
        ],
        "Position": [(1, "key", whole, one, ""), (2, "value", _FIELD.TYPE_INT32, one, "")],
        "Macro": [(1, "key", whole, one, ""), (2, "value", nested, one, "Expr")],
        "SourceInfo": [(4, "positions", nested, many, "Position"), (5, "macro_calls", nested, many, "Macro")],
        "ParsedExpr": [(2, "expr", nested, one, "Expr"), (3, "source_info", nested, one, "SourceInfo")],
    }
    choices = {"Constant", "Expr"}
    for name, fields in shapes.items():
        shape = file.message_type.add(name=name)
        if name in choices:
            shape.oneof_decl.add(name="kind")
        for number, field_name, kind, label, of in fields:
            field = shape.field.add(name=field_name, number=number, type=kind, label=label)  # type: ignore[arg-type]
            if of:
                field.type_name = f".cel.{of}"
            if name in choices and field_name != "id":
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("cel.ParsedExpr"))  # type: ignore[no-untyped-call]


_PARSED: Final = _describe()


def decode(serialized: bytes) -> Node:
    """Return the tree of a serialized parsed expression (``google.protobuf.Any``). Raises ``TooDeep``."""
    try:
        envelope = any_pb2.Any.FromString(serialized)
        parsed: Any = _PARSED.FromString(envelope.value)
    except message.DecodeError as error:
        raise TooDeep from error
    return _Decoder(parsed.source_info).node(parsed.expr)


class _Decoder:
    def __init__(self, source_info: Any) -> None:
        self._offsets = {entry.key: entry.value for entry in source_info.positions}
        self._macros = {entry.key: entry.value for entry in source_info.macro_calls}

    def node(self, expr: Any) -> Node:
        offset = self._offsets.get(expr.id, 0)
        match expr.WhichOneof("kind"):
            case "const_expr":
                kind = expr.const_expr.WhichOneof("kind") or "null_value"
                return Literal(value=getattr(expr.const_expr, kind), kind=kind, offset=offset)
            case "ident_expr":
                return Name(name=expr.ident_expr.name, offset=offset)
            case "select_expr":
                select = expr.select_expr
                if select.test_only:
                    return Foreign(name="has", offset=offset)
                return Field(operand=self.node(select.operand), field=select.field, offset=offset)
            case "call_expr":
                call = expr.call_expr
                is_method = call.HasField("target")
                args = (call.target, *call.args) if is_method else call.args
                return Call(
                    function=call.function, args=tuple(map(self.node, args)), is_method=is_method, offset=offset
                )
            case "list_expr":
                return ListOf(items=tuple(map(self.node, expr.list_expr.elements)), offset=offset)
            case "struct_expr":
                return Foreign(name="{...}", offset=offset)
            case _:  # a loop, or the empty place that it leaves inside an outer macro
                return self._macro(expr, offset)

    def _macro(self, expr: Any, offset: int) -> Node:
        written = self._macros[expr.id].call_expr if expr.id in self._macros else None
        if written is None or written.function not in MACROS:
            return Foreign(name=written.function if written is not None else "a loop", offset=offset)
        variable, *bodies = map(self.node, written.args)
        if not isinstance(variable, Name):
            return Foreign(name=written.function, offset=offset)
        return Macro(
            name=written.function,
            source=self.node(written.target),
            variable=variable.name,
            condition=bodies[0] if len(bodies) == 2 else None,
            body=bodies[-1],
            offset=offset,
        )
