"""Translates one expression of the Python-like notation into CEL. Pure; knows names and pools, not whole catalogues.

The notation: ``and or not``, comparisons, ``in``, arithmetic, ``x if c else y``, ``any|all|count|sum|min|max(pool,
expression of a row)`` where ``locations.buildings`` means nested rows, ``naics("722")`` for the beginning of the
industry code, ``has("gl")`` for a requested line, ``year(date)``, ``years(date)``, ``as_of``.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_TERNARY, _OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _ATOM = range(8)

_RELATIONS: Final = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
}
_OPERATORS: Final = {
    ast.Add: ("+", _SUM),
    ast.Sub: ("-", _SUM),
    ast.Mult: ("*", _PRODUCT),
    ast.Div: ("/", _PRODUCT),
    ast.Mod: ("%", _PRODUCT),
}
_OVER_ROWS: Final = frozenset({"any", "all", "count", "sum", "min", "max"})


class NotationError(Exception):
    """An expression that cannot be translated; ``column`` counts from 1."""

    def __init__(self, text: str, *, column: int = 1) -> None:
        self.column = column
        super().__init__(text)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The names that an expression may use.

    ``pools`` are the codes of the pools on the way to each pool (``{"buildings": ("locations", "buildings")}``),
    ``fields`` the pool of each question in a pool.
    """

    industry_question: str = ""
    lines_question: str = ""
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


class _Text(NamedTuple):
    """A piece of CEL, and the binding strength of its outermost operator."""

    cel: str
    binds: int

    def within(self, binds: int) -> str:
        """Return the piece as an operand of an operator of strength ``binds``, in parentheses if needed."""
        return self.cel if self.binds >= binds else f"({self.cel})"


def to_cel(expression: str, vocabulary: Vocabulary) -> str:
    """Return ``expression`` in CEL. Raises ``NotationError``."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotationError(
            "It is not an expression of the notation.", column=getattr(error, "offset", None) or 1
        ) from error
    return _Translation(vocabulary).text(tree.body).cel


class _Translation:
    """One walk over a syntax tree; ``rows`` are the variables of the pools whose rows are in scope."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._rows: dict[str, str] = {}

    def text(self, node: ast.expr) -> _Text:
        """Translate ``node``."""
        match node:
            case ast.Constant():
                return _Text(_literal(node), _ATOM)
            case ast.Name(id=name):
                return _Text(self._name(name), _ATOM)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return _Text(f"[{', '.join(self.text(item).cel for item in items)}]", _ATOM)
            case ast.BoolOp(op=operator, values=values):
                sign, binds = ("&&", _AND) if isinstance(operator, ast.And) else ("||", _OR)
                return _Text(f" {sign} ".join(self.text(value).within(binds + 1) for value in values), binds)
            case ast.UnaryOp(op=ast.Not() | ast.USub() as operator, operand=operand):
                sign = "!" if isinstance(operator, ast.Not) else "-"
                return _Text(sign + self.text(operand).within(_ATOM), _UNARY)
            case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
                sign, binds = _OPERATORS[type(operator)]
                return _Text(
                    f"{self.text(node.left).within(binds)} {sign} {self.text(node.right).within(binds + 1)}", binds
                )
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp():
                condition = self.text(node.test).within(_OR)
                return _Text(
                    f"{condition} ? {self.text(node.body).within(_OR)} : {self.text(node.orelse).cel}", _TERNARY
                )
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name, arguments)
            case _:
                raise NotationError(f"{ast.unparse(node)!r} is not part of the notation.", column=node.col_offset + 1)

    def _name(self, name: str) -> str:
        row = self._rows.get(self._vocabulary.fields.get(name, ""))
        return f"{row}.{name}" if row else name

    def _comparison(self, node: ast.Compare) -> _Text:
        """Translate ``a < b < c`` as ``a < b && b < c``."""
        parts = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            sides = self.text(left).within(_SUM), self.text(right).within(_SUM)
            if isinstance(operator, ast.NotIn):
                parts.append(_Text(f"!({sides[0]} in {sides[1]})", _UNARY))
            elif type(operator) in _RELATIONS:
                parts.append(_Text(f"{sides[0]} {_RELATIONS[type(operator)]} {sides[1]}", _RELATION))
            else:
                raise NotationError("'is' is not part of the notation; compare with ==.", column=node.col_offset + 1)
            left = right
        return parts[0] if len(parts) == 1 else _Text(" && ".join(part.within(_RELATION) for part in parts), _AND)

    def _call(self, node: ast.Call, name: str, arguments: list[ast.expr]) -> _Text:
        column = node.col_offset + 1
        if name in _OVER_ROWS:
            return self._over_rows(name, arguments, column)
        if name in ("year", "years") and len(arguments) == 1:
            return _Text(f"{name}({self.text(arguments[0]).cel})", _ATOM)
        if name == "has" and len(arguments) == 1:
            lines = self._needed(self._vocabulary.lines_question, "the requested lines", column)
            return _Text(f"{self.text(arguments[0]).within(_SUM)} in {lines}", _RELATION)
        if name == "naics" and arguments:
            industry = self._needed(self._vocabulary.industry_question, "the industry code", column)
            prefixes = [self.text(argument).cel for argument in arguments]
            if len(prefixes) == 1:
                return _Text(f"{industry}.startsWith({prefixes[0]})", _ATOM)
            return _Text(f"{industry}.startsWithAny([{', '.join(prefixes)}])", _ATOM)
        raise NotationError(f"{name}() with {len(arguments)} arguments is not part of the notation.", column=column)

    def _needed(self, code: str, meaning: str, column: int) -> str:
        if not code:
            raise NotationError(f"The catalogue has no question for {meaning}; name it.", column=column)
        return self._name(code)

    def _over_rows(self, name: str, arguments: list[ast.expr], column: int) -> _Text:
        """Translate a fold over the rows of a pool: nested rows become a fold of folds."""
        if not arguments or len(arguments) > 2 or (len(arguments) == 1 and name != "count"):
            raise NotationError(f"{name}() takes a pool and an expression of its rows.", column=column)
        walked = self._walked(arguments[0])
        variables = self._variables(walked)
        self._rows.update(zip(walked, variables, strict=True))
        inner = self.text(arguments[1]).cel if len(arguments) == 2 else ""
        for pool in walked:
            del self._rows[pool]
        cel = inner
        for depth in reversed(range(len(walked))):
            source = f"{variables[depth - 1]}.{walked[depth]}" if depth else walked[depth]
            cel = _fold(name, source, variables[depth], cel, innermost=depth == len(walked) - 1)
        return _Text(cel, _ATOM)

    def _walked(self, node: ast.expr) -> tuple[str, ...]:
        """Return the codes of the pools that ``locations.buildings`` names, outermost first."""
        path = tuple(ast.unparse(node).split("."))
        if self._vocabulary.pools.get(path[-1]) != path:
            raise NotationError(f"{'.'.join(path)!r} is not a pool.", column=node.col_offset + 1)
        if self._rows.keys() & set(path):
            raise NotationError(
                f"The rows of {path[0]!r} are already used in an outer loop.", column=node.col_offset + 1
            )
        return path

    def _variables(self, pools: tuple[str, ...]) -> list[str]:
        """Return a row variable for each pool: its first letter, with a number if that is taken."""
        taken = {*self._rows.values(), *self._vocabulary.fields, *self._vocabulary.pools}
        variables = []
        for pool in pools:
            variable = pool[0]
            number = 2
            while variable in taken:
                variable, number = f"{pool[0]}{number}", number + 1
            taken.add(variable)
            variables.append(variable)
        return variables


def _fold(name: str, source: str, variable: str, inner: str, *, innermost: bool) -> str:
    """Return the CEL for one level of a fold."""
    if name in ("any", "all"):
        return f"{source}.{'exists' if name == 'any' else 'all'}({variable}, {inner})"
    if name == "count" and innermost:
        return f"count({source}.filter({variable}, {inner}))" if inner else f"count({source})"
    return f"{'sum' if name == 'count' else name}({source}.map({variable}, {inner}))"


def _literal(node: ast.Constant) -> str:
    """Return a constant in CEL. Raises ``NotationError`` for a constant that the notation does not have."""
    value = node.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) or (isinstance(value, float) and "e" not in repr(value) and "inf" not in repr(value)):
        return repr(value)
    raise NotationError(f"{ast.unparse(node)!r} is not a value of the notation.", column=node.col_offset + 1)
