"""Compiles one CEL text into Python closures that decide with three truth values. Pure.

A closure takes ``(root, row, local)``: the values of the document by slot, the row in whose scope the text is (or
None), and the variables of macros by depth. The values are described in ``truth``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from rules.language import operators
from rules.language.checker import Checker, TextFault, TextFaults, children, parse
from rules.language.kinds import ANY, DATE, NUMBER, TEXT, TRUTH, Kind
from rules.language.syntax import Call, Field, Foreign, ListOf, Literal, Macro, Name, Node, unparse
from rules.language.values import Slots, Value


class Row(Protocol):
    """The part of a pool row that a closure needs: its values by slot, and the enclosing row."""

    values: Any
    parent: Any


Run: TypeAlias = Callable[[Slots, Any, Any], Value]
MOST_LOOPS: Final = 4
AS_OF: Final = "as_of"
AS_OF_SLOT: Final = 0
#: Functions besides the numbers of ``operators.FUNCTIONS``: the number of arguments (a method's target included), and
#: whether it is a method (None: either).
_SPECIAL: Final = {
    "date": (1, False),
    "startsWith": (2, True),
    "endsWith": (2, True),
    "contains": (2, True),
    "matches": (2, True),
    "startsWithAny": (2, None),
}
_OPERATORS: Final = {*operators.COMPARISONS, *operators.ARITHMETIC, "!_", "_?_:_"}


@dataclass(frozen=True, slots=True)
class Variable:
    """The place of a name's value: ``level`` 0 is the document, 1 the row itself, 2 the enclosing row, and so on."""

    kind: Kind
    level: int
    slot: int


@dataclass(frozen=True, slots=True)
class Term:
    """A compiled piece of a text. ``joint`` is ``&&``, ``||`` or ``!`` if the piece joins ``parts``, otherwise ""."""

    run: Run
    kind: Kind
    node: Node
    reads: frozenset[str]
    joint: str = ""
    parts: tuple[Term, ...] = ()

    @property
    def text(self) -> str:
        """Return the piece as CEL text."""
        return unparse(self.node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A compiled text."""

    source: str
    term: Term
    locals: int

    @property
    def reads(self) -> frozenset[str]:
        """Return the codes of the questions, derived values and pools that the text names."""
        return self.term.reads

    @property
    def kind(self) -> Kind:
        """Return the kind of the text's value."""
        return self.term.kind

    def evaluate(self, root: Slots, row: Row | None = None) -> Value:
        """Return the value for the document's values ``root`` and, in a row's scope, for ``row``."""
        return self.term.run(root, row, [None] * self.locals if self.locals else ())


@dataclass(slots=True)
class Language:
    """The fields of each pool's rows, and the checker of the texts that name them."""

    rows: Mapping[str, Mapping[str, Variable]]
    checker: Checker = field(init=False)

    def __post_init__(self) -> None:
        self.checker = Checker(
            {pool: {code: item.kind for code, item in fields.items()} for pool, fields in self.rows.items()}
        )


class Scope:
    """The variables that texts in one place can name."""

    def __init__(
        self, language: Language, variables: Mapping[str, Variable], *, only: frozenset[str] | None = None
    ) -> None:
        """Prepare the variables by name, and ``as_of``.

        A scope for a single text is faster with ``only``, the names that the text contains.
        """
        self.language = language
        self.variables = {AS_OF: Variable(DATE, 0, AS_OF_SLOT), **variables}
        checked = (
            self.variables if only is None else {name: item for name, item in self.variables.items() if name in only}
        )
        self._check = language.checker.environment({name: item.kind for name, item in checked.items()})

    def compile(self, source: str, *, wanted: Iterable[Kind] = ()) -> Expression:
        """Return the compiled ``source``. Raises ``TextFaults`` if it is invalid, or of none of the ``wanted``
        kinds.
        """
        tree = parse(source)
        translator = _Translator(self)
        term = translator.term(tree, {})
        if translator.faults:
            raise TextFaults(*translator.faults)
        self._check(source, tree)
        kinds = tuple(wanted)
        if kinds and term.kind != ANY and term.kind not in kinds:
            expected = " or ".join(map(str, kinds))
            raise TextFaults(
                TextFault(
                    "type_error",
                    f"The value of this text is a {term.kind}.",
                    f"It must be a {expected} here.",
                    _first_offset(tree),
                )
            )
        return Expression(source=source, term=term, locals=translator.depth)


def _signature(function: str) -> tuple[int, bool | None] | None:
    return (1, False) if function in operators.FUNCTIONS else _SPECIAL.get(function)


def function_names() -> list[str]:
    """Return the names of all functions, sorted."""
    return sorted([*operators.FUNCTIONS, *_SPECIAL])


def names_in(source: str) -> frozenset[str]:
    """Return the names in ``source``, bound or not; empty if it is not a valid expression."""
    try:
        return frozenset(_names(parse(source)))
    except TextFaults:
        return frozenset()


def _names(node: Node) -> Iterable[str]:
    if isinstance(node, Name):
        yield node.name
    for child in children(node):
        yield from _names(child)


def _first_offset(node: Node) -> int:
    return min([node.offset, *map(_first_offset, children(node))])


class _Translator:
    """Turns a tree into terms; collects faults instead of raising, so that all are reported together."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.faults: list[TextFault] = []
        self.depth = 0

    def term(self, node: Node, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        match node:
            case Literal():
                return self._literal(node)
            case Name():
                return self._name(node, bound)
            case Field():
                return self._field(node, bound)
            case ListOf():
                items = [self.term(item, bound) for item in node.items]
                kind = Kind("list", items[0].kind if items else ANY)
                constants = [item.node.value for item in items if isinstance(item.node, Literal)]
                if len(constants) == len(items):
                    return Term(
                        operators.constant([operators.exact(value) for value in constants]), kind, node, frozenset()
                    )
                return self._made(node, kind, items, operators.list_of([item.run for item in items]))
            case Macro():
                return self._macro(node, bound)
            case Call():
                return self._call(node, bound)
            case Foreign():
                return self._refused(node, node.name)

    def _literal(self, node: Literal) -> Term:
        kinds = {"bool_value": TRUTH, "int64_value": NUMBER, "double_value": NUMBER, "string_value": TEXT}
        if node.kind not in kinds:
            return self._refused(node, node.kind.removesuffix("_value"))
        return Term(operators.constant(operators.exact(node.value)), kinds[node.kind], node, frozenset())

    def _name(self, node: Name, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        if node.name in bound:
            index, kind = bound[node.name]
            return Term(operators.read_local(index), kind, node, frozenset())
        variable = self._scope.variables.get(node.name)
        if variable is None:
            names = [*self._scope.variables, *bound]
            return self._fault(node, "unknown_question", f"There is no {node.name!r} here.", _closest(node.name, names))
        reads = frozenset() if node.name == AS_OF else frozenset((node.name,))
        return Term(operators.read(variable.level, variable.slot), variable.kind, node, reads)

    def _field(self, node: Field, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        operand = self.term(node.operand, bound)
        if operand.kind == ANY:
            return Term(operand.run, ANY, node, operand.reads)
        if operand.kind.name != "row":
            remedy = "Only a row has fields: write pool.exists(r, r.question ...) or pool.map(r, r.question)."
            return self._fault(node, "type_error", f"A {operand.kind} has no field {node.field!r}.", remedy)
        fields = self._scope.language.rows[operand.kind.pool]
        if node.field not in fields:
            text = f"A row of {operand.kind.pool!r} has no {node.field!r}."
            return self._fault(node, "unknown_question", text, _closest(node.field, fields))
        variable = fields[node.field]
        reads = operand.reads | {node.field}
        return Term(operators.read_field(operand.run, variable.slot), variable.kind, node, reads)

    def _macro(self, node: Macro, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        source = self.term(node.source, bound)
        element = source.kind.of if source.kind.of is not None else ANY
        if len(bound) >= MOST_LOOPS:
            return self._fault(node, "too_deep", "Too many loops are nested here.", f"Nest at most {MOST_LOOPS}.")
        if node.variable in self._scope.variables or node.variable in bound:
            text = f"The row variable {node.variable!r} hides another name."
            return self._fault(node, "hidden_name", text, "Choose a name that nothing else uses.")
        if source.kind != ANY and source.kind.of is None:
            text = f"{node.name}() needs the rows of a pool or a list, not a {source.kind}."
            return self._fault(node, "type_error", text, "Name a pool before it.")
        index = len(bound)
        self.depth = max(self.depth, index + 1)
        inner = {**bound, node.variable: (index, element)}
        body = self.term(node.body, inner)
        condition = self.term(node.condition, inner) if node.condition is not None else None
        kinds = {"map": Kind("list", body.kind), "filter": source.kind}
        reads = source.reads | body.reads | (condition.reads if condition else frozenset())
        made = operators.MACROS[node.name](source.run, body.run, index, condition.run if condition else None)
        return Term(made, kinds.get(node.name, TRUTH), node, reads)

    def _call(self, node: Call, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        if node.function in ("_&&_", "_||_"):
            return self._joined(node, bound)
        known = _signature(node.function)
        if known is None and node.function not in _OPERATORS:
            return self._refused(node, node.function)
        args = [self.term(arg, bound) for arg in node.args]
        if node.function == "!_":
            return Term(operators.negation(args[0].run), TRUTH, node, args[0].reads, "!", tuple(args))
        if node.function in operators.COMPARISONS:
            return self._made(node, TRUTH, args, operators.comparison(node.function, *(arg.run for arg in args)))
        if node.function in operators.ARITHMETIC:
            return self._made(node, args[0].kind, args, operators.arithmetic(node.function, [arg.run for arg in args]))
        if node.function == "_?_:_":
            return self._made(
                node,
                args[1].kind if args[1].kind != ANY else args[2].kind,
                args,
                operators.choice(*(arg.run for arg in args)),
            )
        if known is None or len(args) != known[0] or known[1] not in (None, node.is_method):
            form = "value.{}(argument)" if known and known[1] else "{}(argument)"
            text = f"{node.function}() cannot be called this way."
            return self._fault(node, "type_error", text, f"Write {form.format(node.function)}.")
        return self._function(node, args)

    def _function(self, node: Call, args: list[Term]) -> Term:
        runs = [arg.run for arg in args]
        if node.function == "date":
            return self._constant_argument(node, args[0], operators.constant_date, DATE, 'Write date("2026-01-31").')
        if node.function == "matches":
            remedy = "Write a regular expression (RE2) in quotes."
            made = self._constant_argument(node, args[1], operators.constant_pattern(runs[0]), TRUTH, remedy)
            return Term(made.run, made.kind, node, args[0].reads)
        if node.function in operators.TEXT_TESTS:
            return self._made(node, TRUTH, args, operators.comparison(node.function, *runs))
        return self._made(node, NUMBER, args, operators.FUNCTIONS[node.function](runs[0]))

    def _constant_argument(self, node: Call, arg: Term, make: Callable[[str], Run], kind: Kind, remedy: str) -> Term:
        if not isinstance(arg.node, Literal) or not isinstance(arg.node.value, str):
            return self._fault(node, "not_constant", f"{node.function}() needs a text in quotes.", remedy)
        try:
            return Term(make(arg.node.value), kind, node, frozenset())
        except ValueError:
            return self._fault(node, "wrong_constant", f"{node.function}() cannot read {arg.node.value!r}.", remedy)

    def _joined(self, node: Call, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        parts = tuple(self.term(part, bound) for part in _operands(node, node.function))
        made = operators.conjunction if node.function == "_&&_" else operators.disjunction
        reads = frozenset().union(*(part.reads for part in parts))
        return Term(made([part.run for part in parts]), TRUTH, node, reads, node.function.strip("_"), parts)

    def _made(self, node: Node, kind: Kind, args: Iterable[Term], run: Run) -> Term:
        return Term(run, kind, node, frozenset().union(*(arg.reads for arg in args)))

    def _refused(self, node: Node, name: str) -> Term:
        names = ", ".join(sorted([*function_names(), *operators.MACROS]))
        text = f"{name.strip('_')!r} is not part of the rule language."
        return self._fault(
            node, "unknown_function", text, f"It has comparisons, arithmetic, &&, ||, !, in, ?: and {names}."
        )

    def _fault(self, node: Node, code: str, text: str, remedy: str) -> Term:
        self.faults.append(TextFault(code, text, remedy, node.offset))
        return Term(operators.constant(None), ANY, node, frozenset())


def _operands(node: Node, function: str) -> list[Node]:
    if isinstance(node, Call) and node.function == function:
        return [operand for arg in node.args for operand in _operands(arg, function)]
    return [node]


def _closest(name: str, names: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(names), n=1)
    return (
        f"Did you mean {matches[0]!r}?" if matches else "Name a question, a derived value or a pool of this catalogue."
    )
