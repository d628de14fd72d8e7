"""Finds conditions that are never or always true whatever is answered: ``n > 10 && n < 5``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from rules.language.checker import children
from rules.language.domains import constants_of, shown
from rules.language.expressions import Expression
from rules.language.faults import TextFault
from rules.language.syntax import Call, Field, Name, Node, unparse

ALWAYS_TRUE: Final = "always_true"
NEVER_TRUE: Final = "never_true"
#: Each comparison, read from its right side.
_MIRRORED: Final = {"_==_": "_==_", "_!=_": "_!=_", "_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_REMEDY: Final = "Correct the condition, or remove it."


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the greatest answer that the validators of a question let pass; None is no limit."""

    least: Decimal | None = None
    most: Decimal | None = None


@dataclass(slots=True)
class _Facts:
    """What the parts of a conjunction demand of one value."""

    name: str
    allowed: list[Any] | None = None
    refused: list[Any] = field(default_factory=list)
    low: tuple[Any, bool] | None = None
    high: tuple[Any, bool] | None = None
    offset: int = 0

    def add(self, function: str, values: list[Any], offset: int) -> bool:
        """Add one demand; return whether all demands can still be met."""
        if function in ("_==_", "@in"):
            known = self.allowed
            self.allowed = [value for value in values if known is None or value in known]
        elif function == "_!=_":
            self.refused += values
        elif function in ("_<_", "_<=_"):
            self._limit_above(values[0], is_open=function == "_<_")
        else:
            self._limit_below(values[0], is_open=function == "_>_")
        self.offset = offset
        return self.can_be_met()

    def can_be_met(self) -> bool:
        """Return whether a value meets all demands."""
        if self.allowed is not None:
            return any(value not in self.refused and self._is_within(value) for value in self.allowed)
        if self.low is None or self.high is None or type(self.low[0]) is not type(self.high[0]):
            return True
        return bool(self.low[0] < self.high[0]) or (
            bool(self.low[0] == self.high[0]) and not self.low[1] and not self.high[1]
        )

    def _limit_above(self, value: Any, *, is_open: bool) -> None:
        if self.high is None or value < self.high[0] or (value == self.high[0] and is_open):
            self.high = (value, is_open)

    def _limit_below(self, value: Any, *, is_open: bool) -> None:
        if self.low is None or value > self.low[0] or (value == self.low[0] and is_open):
            self.low = (value, is_open)

    def _is_within(self, value: Any) -> bool:
        if self.low is not None and (value < self.low[0] or (value == self.low[0] and self.low[1])):
            return False
        return not (self.high is not None and (value > self.high[0] or (value == self.high[0] and self.high[1])))


def dead_parts(expression: Expression, limits: Mapping[str, Limits]) -> Iterator[TextFault]:
    """Yield the parts of a condition that always have one result; ``limits`` are those of number questions by code."""
    tree = expression.term.node
    if not expression.reads and not _has_name(tree):
        value = expression.evaluate([date.min])
        word, code = ("always", ALWAYS_TRUE) if value is True else ("never", NEVER_TRUE)
        yield TextFault(code, f"This is {word} true, whatever is answered.", _REMEDY, tree.offset)
        return
    yield from _dead_below(tree, limits)


def _dead_below(node: Node, limits: Mapping[str, Limits]) -> Iterator[TextFault]:
    parts = _joined(node, "_&&_")
    dead = _contradiction(parts, limits)
    if dead is not None:
        yield dead
        return
    alternatives = _joined(node, "_||_")
    if len(alternatives) > 1:
        free = _tautology(alternatives)
        if free is not None:
            yield free
            return
    inner = parts if len(parts) > 1 else alternatives if len(alternatives) > 1 else children(node)
    for child in inner:
        yield from _dead_below(child, limits)


def _joined(node: Node, function: str) -> list[Node]:
    if isinstance(node, Call) and node.function == function:
        return [part for arg in node.args for part in _joined(arg, function)]
    return [node]


def _contradiction(parts: list[Node], limits: Mapping[str, Limits]) -> TextFault | None:
    facts: dict[str, _Facts] = {}
    for part in parts:
        demand = _demand(part)
        if demand is None:
            continue
        variable, function, values = demand
        name = unparse(variable)
        if name not in facts:
            facts[name] = _of_validators(name, limits.get(_code_of(variable), Limits()))
        if not facts[name].add(function, values, part.offset):
            text = f"This is never true: {unparse(part)} contradicts what else is demanded of {name}."
            if len(parts) == 1:
                text = f"This is never true: the validators of {name} let no such answer pass."
            return TextFault(NEVER_TRUE, text, _REMEDY, part.offset)
    return None


def _of_validators(name: str, limits: Limits) -> _Facts:
    return _Facts(
        name,
        low=None if limits.least is None else (limits.least, False),
        high=None if limits.most is None else (limits.most, False),
    )


def _tautology(parts: list[Node]) -> TextFault | None:
    refused: dict[str, Any] = {}
    for part in parts:
        demand = _demand(part)
        if demand is None or demand[1] != "_!=_":
            continue
        name, value = unparse(demand[0]), demand[2][0]
        if name in refused and refused[name] != value:
            text = f"This is always true: {name} cannot be {shown(refused[name])} and {shown(value)} at once."
            return TextFault(ALWAYS_TRUE, text, "Write && where both must differ.", part.offset)
        refused[name] = value
    return None


def _demand(node: Node) -> tuple[Node, str, list[Any]] | None:
    """Return the variable, the comparison and the constants of ``node``, None for anything else."""
    if not isinstance(node, Call) or len(node.args) != 2:
        return None
    left, right = node.args
    if node.function == "@in" and _is_variable(left):
        values = [_number(value) for value, _ in constants_of(right)]
        whole = getattr(right, "items", ())
        return (left, "@in", values) if values and len(values) == len(whole) else None
    if node.function not in _MIRRORED:
        return None
    for variable, other, function in ((left, right, node.function), (right, left, _MIRRORED[node.function])):
        values = [_number(value) for value, _ in constants_of(other)]
        if _is_variable(variable) and len(values) == 1 and not hasattr(other, "items"):
            return variable, function, values
    return None


def _has_name(node: Node) -> bool:
    return isinstance(node, Name) or any(map(_has_name, children(node)))


def _is_variable(node: Node) -> bool:
    return isinstance(node, Name) or (isinstance(node, Field) and _is_variable(node.operand))


def _code_of(node: Node) -> str:
    return node.field if isinstance(node, Field) else node.name if isinstance(node, Name) else ""


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
