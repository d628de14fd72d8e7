"""The values that rules compute with: a known value, hidden (None), ``Unknown`` and, inside lists, ``Maybe``. Pure.

Known values are str, bool, int, Decimal, Fraction, ``date``, rows and lists of these. Numbers are exact: a CEL
``double`` is an int or a Decimal here, so 0.1 + 0.2 is 0.3, and a quotient is a Fraction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from rules.language import numbers

#: A known value, None (hidden) or Unknown; typed loosely because the CEL checker has proved which values can meet.
Value: TypeAlias = Any
#: The values of a document or a row by slot: complete, or read on first use.
Slots: TypeAlias = "list[Value] | dict[int, Value]"


class Unknown:
    """A value that is not answered yet. ``paths`` are the answers that would decide it."""

    __slots__ = ("paths",)

    def __init__(self, paths: frozenset[str]) -> None:
        self.paths = paths

    def __repr__(self) -> str:
        return f"Unknown({', '.join(sorted(self.paths))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and other.paths == self.paths

    def __hash__(self) -> int:
        return hash(self.paths)


class Maybe:
    """An element that a filter could not decide: it is in the list if ``unknown`` turns out true."""

    __slots__ = ("element", "unknown")

    def __init__(self, element: Value, unknown: Unknown) -> None:
        self.element = element
        self.unknown = unknown


NOTHING: Final = Unknown(frozenset())


def merge(unknowns: Iterable[Unknown]) -> Unknown:
    """Return one Unknown with the paths of all."""
    first, *rest = unknowns
    return Unknown(first.paths.union(*(unknown.paths for unknown in rest))) if rest else first


def all_of(values: Iterable[Value]) -> Value:
    """Return Kleene's *and* of ``values`` (hidden is false): False if any is false, else Unknown if any is, else
    True.
    """
    unknown: list[Unknown] = []
    for value in values:
        if value is True:
            continue
        if value is False or value is None:
            return False
        unknown.append(value)
    return merge(unknown) if unknown else True


def any_of(values: Iterable[Value]) -> Value:
    """Return Kleene's *or* of ``values`` (hidden is false): True if any is true, else Unknown if any is, else False."""
    unknown: list[Unknown] = []
    for value in values:
        if value is True:
            return True
        if value is not False and value is not None:
            unknown.append(value)
    return merge(unknown) if unknown else False


def equal(left: Value, right: Value) -> Value:
    """Return whether two values, neither hidden nor Unknown, are equal; lists may contain unknown elements."""
    if left.__class__ is not list:
        return left == right
    if any(isinstance(element, Maybe) for element in (*left, *right)):
        return merge(_unknowns((*left, *right)))
    if len(left) != len(right):
        return False
    return all_of(_equal_elements(left, right))


def equal_sets(left: Value, right: Value) -> Value:
    """Return whether two lists, neither hidden nor Unknown, have the same elements in any order.

    Hidden elements are left out.
    """
    if left.__class__ is not list or right.__class__ is not list:
        return equal(left, right)
    unknowns = list(_unknowns((*left, *right)))
    if unknowns:
        return merge(unknowns)
    return {element for element in left if element is not None} == {element for element in right if element is not None}


def contains(elements: list[Value], value: Value, *, equals: Callable[[Value, Value], Value] = equal) -> Value:
    """Return whether the known ``value`` is among ``elements``, as ``equals`` compares them."""
    return any_of(_matches(elements, value, equals))


def total(elements: list[Value]) -> Value:
    """Return the sum of ``elements`` without hidden ones; Unknown if any is unknown, hidden if it is too large."""
    known = _known(elements)
    return known if known.__class__ is Unknown else numbers.total(known)


def least(elements: list[Value]) -> Value:
    """Return the smallest of ``elements``; hidden for an empty list, Unknown if any is unknown."""
    known = _known(elements)
    return known if known.__class__ is Unknown else min(known, default=None)


def greatest(elements: list[Value]) -> Value:
    """Return the greatest of ``elements``; hidden for an empty list, Unknown if any is unknown."""
    known = _known(elements)
    return known if known.__class__ is Unknown else max(known, default=None)


def count(elements: list[Value]) -> Value:
    """Return the number of ``elements`` without hidden ones; Unknown if one is unknown, because it may turn out hidden,
    or if a filter could not decide one.
    """
    unknowns = list(_unknowns(elements))
    return merge(unknowns) if unknowns else sum(1 for element in elements if element is not None)


def _known(elements: list[Value]) -> Value:
    known = [element for element in elements if element is not None]
    unknowns = list(_unknowns(known))
    return merge(unknowns) if unknowns else known


def _unknowns(elements: Iterable[Value]) -> Iterator[Unknown]:
    for element in elements:
        if element.__class__ is Unknown:
            yield element
        elif element.__class__ is Maybe:
            yield element.unknown
            if element.element.__class__ is Unknown:
                yield element.element


def _equal_elements(left: list[Value], right: list[Value]) -> Iterator[Value]:
    for one, other in zip(left, right, strict=True):
        if one is None or other is None:
            yield False
        elif one.__class__ is Unknown or other.__class__ is Unknown:
            yield merge(_unknowns((one, other)))
        else:
            yield equal(one, other)


def _matches(
    elements: list[Value], value: Value, equals: Callable[[Value, Value], Value] = equal
) -> Iterator[Value]:  # fmt: skip
    for element in elements:
        if element is None:
            yield False
        elif element.__class__ is Unknown:
            yield element
        elif element.__class__ is Maybe:
            same = next(_matches([element.element], value, equals))
            yield all_of((element.unknown, same))
        else:
            yield equals(element, value)
