"""Remedies for a name that a text cannot use where it stands. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from rules.language.checker import children
from rules.language.syntax import Call, Field, ListOf, Macro, Name, Node, unparse

_COMPARISONS: Final = frozenset(("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"))
_TEXT_TESTS: Final = frozenset(("startsWith", "endsWith", "contains", "matches", "startsWithAny"))
_TODAY: Final = frozenset(("today", "now"))
_TRUTHS: Final = {"true": "true", "yes": "true", "false": "false", "no": "false"}


def within_rows(node: Name, tree: Node, pool: str, fields: Mapping[str, Collection[str]]) -> str:
    """Return how to read the question ``node`` of the rows of ``pool`` from outside: ``runs.exists(r, ...)``.

    ``fields`` are the names in the rows of each pool, which include the pools nested in them.
    """
    path = [pool]
    while around := next((code for code, names in fields.items() if path[0] in names), ""):
        path.insert(0, around)
    taken = {name for names in fields.values() for name in names} | set(_names(tree))
    variables: list[str] = []
    for code in path:
        variables.append(_variable(code, taken))
        taken.add(variables[-1])
    read = Field(operand=Name(name=variables[-1], offset=0), field=node.name, offset=0)
    test = _condition_around(node, tree)
    number = test is None and _is_number(node, tree)
    body = unparse(_replaced(test, node, read) if test is not None else read)
    for code, variable, outer in reversed(list(zip(path, variables, ["", *variables[:-1]], strict=True))):
        source = f"{outer}.{code}" if outer else code
        body = f"sum({source}.map({variable}, {body}))" if number else f"{source}.exists({variable}, {body})"
    return f"Write {body}."


def without_row(node: Name, tree: Node, names: Collection[str]) -> str:
    """Return the remedy for ``r.size`` where ``size`` is one of the ``names`` by itself; "" for any other."""
    path = _path_to(node, tree)
    around = path[-2] if len(path) > 1 else None
    if isinstance(around, Field) and around.field in names:
        return f"Write {around.field}, without {node.name} before it."
    return ""


def in_quotes(node: Name, tree: Node, choices: Collection[str]) -> str:
    """Return the remedy for a name that is compared like a text, one of the ``choices`` perhaps, or like a truth
    value; "" for any other.
    """
    if node.name.lower() in _TODAY:
        return "Write as_of, the day for which the form is evaluated."
    if node.name.lower() in _TRUTHS and node.name not in choices:
        return f"Write {_TRUTHS[node.name.lower()]}."
    test = _condition_around(node, tree)
    if isinstance(test, Call) and test.function in ("_==_", "_!=_", "@in", *_TEXT_TESTS):
        return f'Write "{node.name}" in quotes.'
    return ""


def _condition_around(node: Name, tree: Node) -> Node | None:
    """Return the smallest comparison or text test around ``node``, None if it is in no such part."""
    found = None
    for part in _path_to(node, tree):
        if isinstance(part, Macro):
            found = None
        elif isinstance(part, Call) and (part.function in _COMPARISONS or part.function in _TEXT_TESTS):
            found = part
    return found


def _is_number(node: Name, tree: Node) -> bool:
    """Return whether ``node`` is computed with."""
    signs = ("_+_", "_-_", "_*_", "_/_", "-_")
    return any(isinstance(part, Call) and part.function in signs for part in _path_to(node, tree))


def _path_to(node: Node, tree: Node) -> list[Node]:
    """Return the nodes from ``tree`` down to ``node``."""
    if tree is node:
        return [tree]
    for child in children(tree):
        below = _path_to(node, child)
        if below:
            return [tree, *below]
    return []


def _replaced(tree: Node, old: Node, new: Node) -> Node:
    """Return ``tree`` with ``new`` in the place of ``old``."""
    if tree is old:
        return new
    match tree:
        case Call():
            return replace(tree, args=tuple(_replaced(arg, old, new) for arg in tree.args))
        case ListOf():
            return replace(tree, items=tuple(_replaced(item, old, new) for item in tree.items))
        case Field():
            return replace(tree, operand=_replaced(tree.operand, old, new))
        case _:
            return tree


def _names(tree: Node) -> list[str]:
    own = [tree.name] if isinstance(tree, Name) else []
    return own + [name for child in children(tree) for name in _names(child)]


def _variable(pool: str, taken: Collection[str]) -> str:
    """Return a row variable: the first letter of ``pool``, with a number if it is taken."""
    variable, number = pool[0], 2
    while variable in taken:
        variable, number = f"{pool[0]}{number}", number + 1
    return variable
