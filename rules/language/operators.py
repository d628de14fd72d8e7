"""The operators and functions of the rule language on known, hidden and unknown values, as closures. Pure.

Comparisons and text tests with a hidden side are false, arithmetic with one is hidden; an unknown side makes both
unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

from rules.language import numbers
from rules.language import values as truth
from rules.language.values import Maybe, Slots, Unknown, Value

Run: TypeAlias = Callable[[Slots, Any, Any], Value]
_LARGEST_WHOLE: Final = 10**15


def exact(value: Value) -> Value:
    """Return a float as the int or Decimal that was written; return any other value unchanged."""
    if value.__class__ is not float:
        return value
    return int(value) if value.is_integer() and abs(value) < _LARGEST_WHOLE else Decimal(repr(value))


def full_years(start: date, end: date) -> int:
    """Return the number of full years from ``start`` to ``end``."""
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


# Reading


def constant(value: Value) -> Run:
    """Return a closure for ``value``."""
    return lambda root, row, local: value


def read(level: int, slot: int) -> Run:
    """Return a closure that reads a value of the document (level 0), of the row (1) or of an enclosing row."""
    match level:
        case 0:
            return lambda root, row, local: root[slot]
        case 1:
            return lambda root, row, local: row.values[slot]
        case 2:
            return lambda root, row, local: row.parent.values[slot]

    def climb(root: Slots, row: Any, local: Any) -> Value:
        for _ in range(level - 1):
            row = row.parent
        return row.values[slot]

    return climb


def read_local(index: int) -> Run:
    """Return a closure that reads the variable of a macro."""
    return lambda root, row, local: local[index]


def read_field(operand: Run, slot: int) -> Run:
    """Return a closure that reads a value of the row that ``operand`` returns."""
    return lambda root, row, local: operand(root, row, local).values[slot]


def list_of(items: Sequence[Run]) -> Run:
    """Return a closure that builds a list."""
    return lambda root, row, local: [item(root, row, local) for item in items]


# Truth


def conjunction(parts: Sequence[Run]) -> Run:
    """Return a closure for Kleene's *and*; it stops at the first part that is false."""

    def both(root: Slots, row: Any, local: Any) -> Value:
        unknown = None
        for part in parts:
            value = part(root, row, local)
            if value is True:
                continue
            if value is False or value is None:
                return False
            unknown = value if unknown is None else Unknown(unknown.paths | value.paths)
        return True if unknown is None else unknown

    return both


def disjunction(parts: Sequence[Run]) -> Run:
    """Return a closure for Kleene's *or*; it stops at the first part that is true."""

    def either(root: Slots, row: Any, local: Any) -> Value:
        unknown = None
        for part in parts:
            value = part(root, row, local)
            if value is True:
                return True
            if value is not False and value is not None:
                unknown = value if unknown is None else Unknown(unknown.paths | value.paths)
        return False if unknown is None else unknown

    return either


def negation(operand: Run) -> Run:
    """Return a closure for *not*; hidden is false, so its negation is true."""

    def opposite(root: Slots, row: Any, local: Any) -> Value:
        value = operand(root, row, local)
        return value if value.__class__ is Unknown else not value

    return opposite


def choice(condition: Run, yes: Run, no: Run) -> Run:
    """Return a closure for ``yes`` or ``no``; its value is Unknown while the condition is."""

    def chosen(root: Slots, row: Any, local: Any) -> Value:
        value = condition(root, row, local)
        if value.__class__ is Unknown:
            return value
        return yes(root, row, local) if value else no(root, row, local)

    return chosen


def _unequal(left: Value, right: Value) -> Value:
    value = truth.equal(left, right)
    return value if value.__class__ is Unknown else not value


def _unequal_sets(left: Value, right: Value) -> Value:
    value = truth.equal_sets(left, right)
    return value if value.__class__ is Unknown else not value


def _starts_with_any(text: str, prefixes: list[Value]) -> Value:
    return truth.any_of(
        prefix if prefix is None or prefix.__class__ is Unknown else text.startswith(prefix) for prefix in prefixes
    )


COMPARISONS: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "_==_": truth.equal,
    "_!=_": _unequal,
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
    "@in": lambda value, elements: truth.contains(elements, value),
}
#: Comparisons in which a side is a list without an order.
SET_COMPARISONS: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "_==_": truth.equal_sets,
    "_!=_": _unequal_sets,
    "@in": lambda value, elements: truth.contains(elements, value, equals=truth.equal_sets),
}
TEXT_TESTS: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
    "startsWithAny": _starts_with_any,
}


def comparison(function: str, left: Run, right: Run, *, of_sets: bool = False) -> Run:
    """Return a closure that compares two values or tests a text: false with a hidden side, else Unknown with an unknown
    one. ``of_sets`` compares lists without their order.
    """
    compare = _compare(function, of_sets)

    def compared(root: Slots, row: Any, local: Any) -> Value:
        one = left(root, row, local)
        if one is None:
            return False
        other = right(root, row, local)
        if other is None:
            return False
        if one.__class__ is Unknown:
            return Unknown(one.paths | other.paths) if other.__class__ is Unknown else one
        return other if other.__class__ is Unknown else compare(one, other)

    return compared


def comparison_with_constant(function: str, left: Run, value: Value, *, of_sets: bool = False) -> Run:
    """Return the closure of ``comparison`` whose right side is the constant ``value``."""
    compare = _compare(function, of_sets)

    def compared(root: Slots, row: Any, local: Any) -> Value:
        one = left(root, row, local)
        if one is None:
            return False
        return one if one.__class__ is Unknown else compare(one, value)

    return compared


def _compare(function: str, of_sets: bool) -> Callable[[Value, Value], Value]:
    return (SET_COMPARISONS.get(function) if of_sets else None) or COMPARISONS.get(function) or TEXT_TESTS[function]


# Numbers


def _add(left: Value, right: Value) -> Value:
    return numbers.add(left, right) if left.__class__ in numbers.CLASSES else left + right


def _subtract(left: Value, right: Value) -> Value:
    return numbers.subtract(left, right) if left.__class__ in numbers.CLASSES else left - right


ARITHMETIC: Final[dict[str, Callable[..., Value]]] = {
    "_+_": _add,
    "_-_": _subtract,
    "_*_": numbers.multiply,
    "_/_": numbers.divide,
    "-_": numbers.negate,
}


def arithmetic(function: str, operands: Sequence[Run]) -> Run:
    """Return a closure for a sum, difference, product, quotient or negative.

    Its value is hidden with a hidden side, a zero divisor or a result that is too large, else Unknown with an unknown
    side.
    """
    compute = ARITHMETIC[function]
    if len(operands) == 2:
        return _over_two(compute, *operands)

    def computed(root: Slots, row: Any, local: Any) -> Value:
        values = [operand(root, row, local) for operand in operands]
        if None in values:
            return None
        unknown = [value for value in values if value.__class__ is Unknown]
        return truth.merge(unknown) if unknown else compute(*values)

    return computed


def _over_two(compute: Callable[[Value, Value], Value], left: Run, right: Run) -> Run:
    def computed(root: Slots, row: Any, local: Any) -> Value:
        one, other = left(root, row, local), right(root, row, local)
        if one is None or other is None:
            return None
        if one.__class__ is Unknown:
            return Unknown(one.paths | other.paths) if other.__class__ is Unknown else one
        return other if other.__class__ is Unknown else compute(one, other)

    return computed


def over_known(compute: Callable[..., Value]) -> Callable[..., Run]:
    """Return the function that applies ``compute`` to known values.

    Its value is hidden with a hidden argument, else Unknown with an unknown one.
    """

    def function(*operands: Run) -> Run:
        if len(operands) == 1:
            return _over_one(compute, operands[0])

        def applied(root: Slots, row: Any, local: Any) -> Value:
            values = [operand(root, row, local) for operand in operands]
            if any(value is None for value in values):
                return None
            unknown = [value for value in values if value.__class__ is Unknown]
            return truth.merge(unknown) if unknown else compute(*values)

        return applied

    return function


def _over_one(compute: Callable[[Value], Value], operand: Run) -> Run:
    def applied(root: Slots, row: Any, local: Any) -> Value:
        value = operand(root, row, local)
        return value if value is None or value.__class__ is Unknown else compute(value)

    return applied


# Loops


def _each(elements: list[Value], body: Run, index: int, state: tuple[Slots, Any, Any]) -> Any:
    """Yield each element, whether it is in the list (True or Unknown), and the body's value for it."""
    root, row, local = state
    for element in elements:
        item, membership = (element.element, element.unknown) if element.__class__ is Maybe else (element, True)
        if item.__class__ is Unknown or item is None:
            # The body cannot be computed without a value, so the element is passed on.
            yield item, membership, item
        else:
            local[index] = item
            yield item, membership, body(root, row, local)


def _loop(finish: Callable[[Any], Value]) -> Callable[[Run, Run, int, Run | None], Run]:
    def macro(source: Run, body: Run, index: int, condition: Run | None) -> Run:
        def looped(root: Slots, row: Any, local: Any) -> Value:
            elements = source(root, row, local)
            if elements.__class__ is Unknown:
                return elements
            return finish(_each(elements or [], body, index, (root, row, local)))

        return looped

    return macro


def _exists(results: Any) -> Value:
    return truth.any_of(truth.all_of((membership, value)) for _, membership, value in results)


def _all(results: Any) -> Value:
    return truth.all_of(
        value if membership is True else _if_inside(membership, value) for _, membership, value in results
    )


def _if_inside(membership: Unknown, value: Value) -> Value:
    """Return the effect of a doubtful element on *all*: none if its body is true, otherwise it decides."""
    if value is True:
        return True
    return truth.merge((membership, value)) if value.__class__ is Unknown else membership


def _exists_one(results: Any) -> Value:
    values = [truth.all_of((membership, value)) for _, membership, value in results]
    unknown = [value for value in values if value.__class__ is Unknown]
    certain = sum(1 for value in values if value is True)
    return truth.merge(unknown) if unknown and certain < 2 else certain == 1


def _filtered(results: Any) -> list[Value]:
    elements = []
    for element, membership, value in results:
        inside = truth.all_of((membership, value))
        if inside is True:
            elements.append(element)
        elif inside is not False:
            elements.append(Maybe(element, inside))
    return elements


def _mapped(results: Any) -> list[Value]:
    return [value if membership is True else Maybe(value, membership) for _, membership, value in results]


def map_field(source: Run, slot: int) -> Run:
    """Return the closure of *map* whose body is only a field of the row."""

    def mapped(root: Slots, row: Any, local: Any) -> Value:
        rows = source(root, row, local)
        if rows.__class__ is Unknown:
            return rows
        return [
            Maybe(each.element.values[slot], each.unknown) if each.__class__ is Maybe else each.values[slot]
            for each in rows or ()
        ]

    return mapped


def _map(source: Run, body: Run, index: int, condition: Run | None) -> Run:
    if condition is not None:
        source = _loop(_filtered)(source, condition, index, None)
    return _loop(_mapped)(source, body, index, None)


MACROS: Final[dict[str, Callable[[Run, Run, int, Run | None], Run]]] = {
    "exists": _loop(_exists),
    "all": _loop(_all),
    "exists_one": _loop(_exists_one),
    "filter": _loop(_filtered),
    "map": _map,
}
