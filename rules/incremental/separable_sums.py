"""Finds texts that add up over the rows of one pool, so that each row's share can be computed by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rules.definition.model import CompiledCatalogue
from rules.language.expressions import Expression
from rules.language.syntax import Call, Field, ListOf, Macro, Name, Node


class RowSum(NamedTuple):
    """A text that is a sum over the rows of ``pool``, and the other values that it reads, besides derived ones that are
    sums themselves.
    """

    pool: str
    outer: frozenset[str]


class _NoSum(Exception):
    """The text does not add up over the rows of one pool."""


def row_sum(catalogue: CompiledCatalogue, expression: Expression) -> RowSum | None:
    """Return the pool over whose rows ``expression`` adds up while the ``outer`` values stay as they are, or None.

    Sums of rows may be added, chosen by a condition and multiplied by values outside, also by way of derived values.
    """
    finder = _Finder(catalogue)
    try:
        finder.visit(expression.term.node)
    except _NoSum:
        return None
    if len(finder.pools) != 1:
        return None
    (pool,) = finder.pools
    return None if pool in finder.outer else RowSum(pool, frozenset(finder.outer))


class _Finder:
    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self._catalogue = catalogue
        self.pools: set[str] = set()
        self.outer: set[str] = set()

    def visit(self, node: Node) -> None:
        """Take in a text that may add up. Raises ``_NoSum``."""
        match node:
            case Name() if node.name in self._catalogue.derived:
                self.visit(self._catalogue.derived[node.name].value.term.node)
            case Call(function="sum", args=(Macro(name="map", condition=None, source=Name(name=pool)) as rows,)):
                self.pools.add(pool)
                self.outer.update(set(_names(rows.body)) - {rows.variable})
            case Call(function="_+_", args=(one, other)):
                self._visit_either(one)
                self._visit_either(other)
            case Call(function="_?_:_", args=(condition, one, other)):
                self.outer.update(_names(condition))
                self._visit_either(one)
                self._visit_either(other)
            case Call(function="_*_", args=(one, other)):
                self._visit_product(one, other)
            case _:
                raise _NoSum

    def _visit_either(self, node: Node) -> None:
        try:
            self.visit(node)
        except _NoSum:
            self.outer.update(_names(node))

    def _visit_product(self, one: Node, other: Node) -> None:
        try:
            self.visit(one)
        except _NoSum:
            one, other = other, one
            self.visit(one)
        self.outer.update(_names(other))


def _names(node: Node) -> Iterator[str]:
    match node:
        case Name():
            yield node.name
        case Field():
            yield from _names(node.operand)
        case Call():
            for arg in node.args:
                yield from _names(arg)
        case ListOf():
            for item in node.items:
                yield from _names(item)
        case Macro():
            yield from _names(node.source)
            yield from _names(node.body)
            if node.condition is not None:
                yield from _names(node.condition)
