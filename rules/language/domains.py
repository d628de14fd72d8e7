"""Finds literals that no value can equal: ``state == "WI"`` where the choices are CO, UT and WY. Pure.

Such a text is valid CEL, but its author meant something else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any, Final, Protocol

from rules.language.faults import TextFault
from rules.language.kinds import Constant, Domain, Kind
from rules.language.operators import exact
from rules.language.syntax import Call, ListOf, Literal, Node

UNKNOWN_CHOICE: Final = "unknown_choice"
NEVER_TRUE: Final = "never_true"
#: At most so many choices are listed in a remedy.
_MOST_LISTED: Final = 20
_ORDERS: Final = {"_<_": -1, "_<=_": -1, "_>_": 1, "_>=_": 1}
_MIRRORED: Final = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_TEXT_TESTS: Final = frozenset(("startsWith", "endsWith", "contains", "startsWithAny"))


class Piece(Protocol):
    """A compiled piece of a text: its kind and its node."""

    @property
    def kind(self) -> Kind:
        """Return the kind of its value."""

    @property
    def node(self) -> Node:
        """Return the node of the tree."""


def nearest_choice(code: str, choices: Mapping[str, str]) -> str:
    """Return the remedy for ``code``, which is not among ``choices`` (code to label)."""
    folded = code.strip().casefold()
    for choice, label in choices.items():
        if folded in (choice.casefold(), label.casefold()):
            return f"Did you mean {choice!r}?"
    by_fold = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(folded, by_fold, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {by_fold[near[0]]!r}?"
    by_label = {label.casefold(): choice for choice, label in choices.items()}
    near = difflib.get_close_matches(folded, by_label, n=1)
    if near:
        return f"Did you mean {by_label[near[0]]!r}?"
    listed = ", ".join(list(choices)[:_MOST_LISTED])
    return f"Write one of: {listed}{', ...' if len(choices) > _MOST_LISTED else ''}."


def doubts_of(function: str, args: Iterable[Piece], node: Node) -> Iterator[TextFault]:
    """Yield the faults of a comparison or text test that always has the same result."""
    pieces = list(args)
    if len(pieces) != 2 or any(piece.kind.name == "any" for piece in pieces):
        return
    left, right = pieces
    if function in ("@in", "startsWithAny") and isinstance(right.node, ListOf) and not right.node.items:
        yield TextFault(NEVER_TRUE, "The list is empty, so this is never true.", "Fill the list.", right.node.offset)
    elif function in _ORDERS:
        yield from _order_doubts(function, left, right)
    elif function in _TEXT_TESTS:
        yield from _test_doubts(function, left, right)
    elif function == "@in" and right.kind.of is not None:
        yield from _equality_doubts(left, right, node, right_kind=right.kind.of)
    elif function in ("_==_", "_!=_"):
        if left.kind.of is not None and right.kind.of is not None:
            yield from _list_doubts(left, right, node)
        else:
            yield from _equality_doubts(left, right, node, right_kind=right.kind)


def doubt_about(value: Any, domains: Iterable[Domain], offset: int = 0) -> TextFault | None:
    """Return the fault of a constant that no value of ``domains`` can equal; None if one can, or without domains."""
    known = list(domains)
    if not known or any(domain.holds(value) for domain in known):
        return None
    domain = known[0]
    if domain.choices and isinstance(value, str):
        choices = {code: label for item in known for code, label in item.choices.items()}
        text = f"{value!r} is not a choice of {domain.name!r}."
        return TextFault(UNKNOWN_CHOICE, text, nearest_choice(value, choices), offset)
    whose = f"No answer to {domain.name!r}" if domain.name else "This value"
    verb = "can equal" if domain.name else "cannot be"
    return TextFault(NEVER_TRUE, f"{whose} {verb} {shown(value)}.", domain.remedy(value), offset)


def shown(value: Any) -> str:
    """Return a constant as it is written in a text."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return f'date("{value.isoformat()}")'
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _equality_doubts(left: Piece, right: Piece, node: Node, *, right_kind: Kind) -> Iterator[TextFault]:
    if left.kind.of is not None or right_kind.of is not None or left.kind != right_kind:
        return
    yield from _both_doubts(left.kind.domains, left.node, right_kind.domains, right.node, node.offset)


def _list_doubts(left: Piece, right: Piece, node: Node) -> Iterator[TextFault]:
    for one, other in ((left, right), (right, left)):
        if other.kind.is_set and isinstance(one.node, ListOf) and not one.node.items:
            yield TextFault(
                NEVER_TRUE,
                "An empty list is no answer, so nothing equals it.",
                "Write !answered(question) to test that there is no answer.",
                one.node.offset,
            )
            return
    first, second = left.kind.of, right.kind.of
    if first is not None and second is not None and first.of is None and first == second:
        yield from _both_doubts(first.domains, left.node, second.domains, right.node, node.offset)


def _both_doubts(
    left: tuple[Domain, ...], left_node: Node, right: tuple[Domain, ...], right_node: Node, offset: int
) -> Iterator[TextFault]:
    """Yield the faults of two sides with limited values: of each constant in a list, else of a pair that never
    meets.
    """
    if not left or not right:
        return
    for node, other in ((left_node, right), (right_node, left)):
        constants = list(_listed(node))
        if constants:
            for value, at in constants:
                doubt = doubt_about(value, other, at)
                if doubt is not None:
                    yield doubt
            return
    if any(_meet(one, other) for one in left for other in right):
        return
    for domains, node, others in ((left, left_node, right), (right, right_node, left)):
        if all(isinstance(domain, Constant) for domain in domains):
            value = domains[0].value if isinstance(domains[0], Constant) else None
            doubt = doubt_about(value, others, _first_constant(node))
            if doubt is not None:
                yield doubt
                return
    names = " and ".join(sorted({repr(domain.name) for domain in (*left, *right) if domain.name}))
    yield TextFault(NEVER_TRUE, f"{names} have no choice in common.", "Compare questions that share choices.", offset)


def _meet(one: Domain, other: Domain) -> bool:
    if isinstance(one, Constant):
        return other.holds(one.value)
    if isinstance(other, Constant):
        return one.holds(other.value)
    return not (one.choices and other.choices) or bool(one.choices.keys() & other.choices.keys())


def _order_doubts(function: str, left: Piece, right: Piece) -> Iterator[TextFault]:
    for value, limited, sign in ((right, left, function), (left, right, _MIRRORED[function])):
        constants = [domain for domain in value.kind.domains if isinstance(domain, Constant)]
        others = [domain for domain in limited.kind.domains if not isinstance(domain, Constant)]
        if (
            len(constants) != 1
            or len(value.kind.domains) != 1
            or len(others) != len(limited.kind.domains)
            or not others
        ):
            continue
        if value.kind != limited.kind:
            continue
        sides = {domain.order(constants[0].value) for domain in others}
        if sides in ({-1}, {1}):
            is_never = sides == {_ORDERS[sign]}
            whose = f"Every answer to {others[0].name!r}" if others[0].name else "Every value here"
            side = "above" if sides == {-1} else "below"
            text = (
                f"{whose} is {side} {shown(constants[0].value)}, so this is {'never' if is_never else 'always'} true."
            )
            yield TextFault(NEVER_TRUE, text, others[0].remedy(constants[0].value), value.node.offset)
            return


def _test_doubts(function: str, left: Piece, right: Piece) -> Iterator[TextFault]:
    domains = left.kind.domains
    if not domains or left.kind.name != "text":
        return
    test = "startsWith" if function == "startsWithAny" else function
    for value, at in constants_of(right.node):
        if isinstance(value, str) and not any(domain.passes(test, value) for domain in domains):
            words = {"startsWith": "begins with", "endsWith": "ends with", "contains": "contains"}[test]
            domain = domains[0]
            what = f"{'choice of' if domain.choices else 'answer to'} {domain.name!r}" if domain.name else "value here"
            remedy = nearest_choice(value, domain.choices) if domain.choices else domain.remedy(value)
            yield TextFault(NEVER_TRUE, f'No {what} {words} "{value}".', remedy, at)


def constants_of(node: Node) -> Iterator[tuple[Any, int]]:
    """Yield the values of the constants that ``node`` is or lists, each with its place in the text."""
    if isinstance(node, Literal):
        yield exact(node.value), node.offset
    elif isinstance(node, ListOf):
        for item in node.items:
            yield from constants_of(item)
    elif isinstance(node, Call) and node.function == "date" and len(node.args) == 1:
        [argument] = node.args
        with suppress(ValueError, TypeError, AttributeError):
            yield date.fromisoformat(argument.value), argument.offset  # type: ignore[union-attr]


def _listed(node: Node) -> Iterator[tuple[Any, int]]:
    """Yield the constants of a list, or of the lists between which ``?:`` chooses."""
    if isinstance(node, ListOf):
        yield from constants_of(node)
    elif isinstance(node, Call) and node.function == "_?_:_":
        for branch in node.args[1:]:
            yield from _listed(branch)


def _first_constant(node: Node) -> int:
    if isinstance(node, Call):
        for arg in node.args:
            if isinstance(arg, Literal):
                return arg.offset
    return node.offset
