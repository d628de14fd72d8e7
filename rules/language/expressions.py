"""Compiles one CEL text into Python closures that decide with three truth values. Pure.

A closure takes ``(root, row, local)``: the values of the document by slot, the row in whose scope the text is (or
None), and the variables of macros by depth. The values are described in ``truth``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from rules.language import operators
from rules.language.checker import Checker, children, parse
from rules.language.domains import doubts_of
from rules.language.faults import TextFault, TextFaults
from rules.language.functions import FUNCTIONS, Function, function_types
from rules.language.joined_choices import joined_domains
from rules.language.kinds import ANY, DATE, NUMBER, TEXT, TRUTH, Constant, Kind, common_kind
from rules.language.mistakes import WORDS
from rules.language.name_hints import in_quotes, within_rows, without_row
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
    """A compiled text. ``doubts`` are faults that do not hinder its evaluation: parts that always have one result."""

    source: str
    term: Term
    locals: int
    doubts: tuple[TextFault, ...] = ()

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
            {pool: {code: item.kind for code, item in fields.items()} for pool, fields in self.rows.items()},
            function_types(),
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

    @staticmethod
    def named(code: str, variable: Variable) -> Expression:
        """Return the expression that is only the name ``code`` of ``variable``."""
        node, run = Name(name=code, offset=0), operators.read(variable.level, variable.slot)
        return Expression(source=code, term=Term(run, variable.kind, node, frozenset((code,))), locals=0)

    def compile(self, source: str, *, wanted: Iterable[Kind] = ()) -> Expression:
        """Return the compiled ``source``. Raises ``TextFaults`` if it is invalid, or of none of the ``wanted``
        kinds.
        """
        tree = parse(source)
        translator = _Translator(self, tree, source)
        term = translator.term(tree, {})
        if translator.faults:
            raise TextFaults(*translator.faults)
        try:
            self._check(source, tree)
        except TextFaults as error:
            # What the checker says about a difference of dates is a consequence.
            dates = [doubt for doubt in translator.doubts if doubt.text.endswith("does not take dates.")]
            faults = [fault for fault in error.faults if not (dates and re.search(r"\bda(?:te|ys)\b", fault.text))]
            raise TextFaults(*dates, *faults) from error
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
        return Expression(source=source, term=term, locals=translator.depth, doubts=tuple(translator.doubts))


def function_names() -> list[str]:
    """Return the names of all functions, sorted."""
    return sorted(FUNCTIONS)


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

    def __init__(self, scope: Scope, tree: Node, source: str) -> None:
        self._scope = scope
        self._tree = tree
        self._source = source
        self.faults: list[TextFault] = []
        self.doubts: list[TextFault] = []
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
                kind = Kind("list", common_kind(item.kind for item in items))
                if len({item.kind for item in items if item.kind != ANY}) > 1:
                    remedy = "Write only numbers, only texts, or only dates."
                    text = "The values of this list are of different kinds."
                    self.doubts.append(TextFault("type_error", text, remedy, node.offset))
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
        value = operators.exact(node.value)
        return Term(operators.constant(value), kinds[node.kind].within(Constant(value)), node, frozenset())

    def _name(self, node: Name, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        if node.name in bound:
            index, kind = bound[node.name]
            return Term(operators.read_local(index), kind, node, frozenset())
        variable = self._scope.variables.get(node.name)
        if variable is None:
            return self._unknown_name(node, [*self._scope.variables, *bound])
        reads = frozenset() if node.name == AS_OF else frozenset((node.name,))
        return Term(operators.read(variable.level, variable.slot), variable.kind, node, reads)

    def _unknown_name(self, node: Name, names: list[str]) -> Term:
        rows = self._scope.language.rows
        pool = next((pool for pool, fields in rows.items() if node.name in fields), None)
        if pool is not None:
            remedy = within_rows(node, self._tree, pool, {code: fields.keys() for code, fields in rows.items()})
            text = f"{node.name!r} is asked in the rows of {pool!r}, not here."
            return self._fault(node, "unknown_question", text, remedy)
        remedy = without_row(node, self._tree, names)
        if not remedy:
            remedy = _closest(node.name, names)
            if not remedy.startswith("Did you mean"):
                remedy = in_quotes(node, self._tree, self._choices()) or remedy
        return self._fault(node, "unknown_question", f"There is no {node.name!r} here.", remedy)

    def _choices(self) -> set[str]:
        """Return the choices of the questions that the text names."""
        known = self._scope.variables
        kinds = [known[name].kind for name in _names(self._tree) if name in known]
        return {code for kind in kinds for domain in (kind.of or kind).domains for code in domain.choices}

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
        mapped = self._slot_of_mapped(node, element) if node.name == "map" else None
        if mapped is not None:
            return Term(operators.map_field(source.run, mapped), Kind("list", body.kind), node, reads)
        made = operators.MACROS[node.name](source.run, body.run, index, condition.run if condition else None)
        return Term(made, kinds.get(node.name, TRUTH), node, reads)

    def _slot_of_mapped(self, node: Macro, element: Kind) -> int | None:
        """Return the slot of the field where a *map* over rows returns only a field of each, else None."""
        match node:
            case Macro(condition=None, body=Field(operand=Name(name=name), field=code)):
                variable = self._scope.language.rows.get(element.pool, {}).get(code) if name == node.variable else None
                return variable.slot if variable is not None else None
        return None

    def _call(self, node: Call, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        if node.function in ("_&&_", "_||_"):
            return self._joined(node, bound)
        function = FUNCTIONS.get(node.function)
        if function is None and node.function not in _OPERATORS:
            return self._refused(node, node.function)
        args = [self.term(arg, bound) for arg in node.args]
        if function is not None:
            return self._function(node, function, args)
        return self._operator(node, args)

    def _operator(self, node: Call, args: list[Term]) -> Term:
        runs = [arg.run for arg in args]
        if node.function == "!_":
            return Term(operators.negation(runs[0]), TRUTH, node, args[0].reads, "!", tuple(args))
        if node.function in operators.COMPARISONS:
            self.doubts += doubts_of(node.function, args, node)
            of_sets, other = any(arg.kind.is_set for arg in args), args[1].node
            if isinstance(other, Literal):
                run = operators.comparison_with_constant(
                    node.function, runs[0], operators.exact(other.value), of_sets=of_sets
                )
            else:
                run = operators.comparison(node.function, *runs, of_sets=of_sets)
            return self._made(node, TRUTH, args, run)
        if node.function in operators.ARITHMETIC:
            if any(arg.kind == DATE for arg in args):
                self._doubt_dates(node)
            # The result can be any value of its kind, but for joined choices.
            domains = joined_domains(node, *args) if node.function == "_+_" else ()
            kind = Kind(args[0].kind.name).within(*domains)
            return self._made(node, kind, args, operators.arithmetic(node.function, runs))
        return self._made(node, common_kind(arg.kind for arg in args[1:]), args, operators.choice(*runs))

    def _doubt_dates(self, node: Call) -> None:
        sign = node.function.strip("_")
        remedy = "Write days(a, b) or months(a, b), the number of days or full months from a to b."
        self.doubts.append(TextFault("type_error", f"{sign!r} does not take dates.", remedy, node.offset))

    def _function(self, node: Call, function: Function, args: list[Term]) -> Term:
        if not function.takes(len(args), is_method=node.is_method):
            count = max(map(len, function.overloads)) - bool(function.is_method)
            arguments = ", ".join("abc"[:count])
            form = f"{'value.' if function.is_method else ''}{node.function}({arguments})"
            text = f"{node.function}() cannot be called this way."
            return self._fault(node, "type_error", text, f"Write {form}.")
        runs: list[Any] = [arg.run for arg in args]
        if node.function == "answered" and not isinstance(node.args[0], Name | Field):
            remedy = "Write answered(question), or answered(r.question) of a row."
            return self._fault(node, "type_error", "answered() takes the name of one question.", remedy)
        if function.constant is not None:
            constant = args[function.constant].node
            if not isinstance(constant, Literal) or not isinstance(constant.value, str):
                text = f"{node.function}() needs a text in quotes."
                return self._fault(node, "not_constant", text, function.remedy)
            runs[function.constant] = constant.value
            try:
                run = function.make(*runs)
            except ValueError:
                text = f"{node.function}() cannot read {constant.value!r}."
                return self._fault(node, "wrong_constant", text, function.remedy)
            if function.result == DATE:
                value = run([], None, ())
                return Term(run, DATE.within(Constant(value)), node, frozenset())
            return self._made(node, function.kind, args, run)
        self.doubts += doubts_of(node.function, args, node)
        return self._made(node, function.kind, args, function.make(*runs))

    def _joined(self, node: Call, bound: Mapping[str, tuple[int, Kind]]) -> Term:
        parts = tuple(self.term(part, bound) for part in _operands(node, node.function))
        made = operators.conjunction if node.function == "_&&_" else operators.disjunction
        reads = frozenset().union(*(part.reads for part in parts))
        return Term(made([part.run for part in parts]), TRUTH, node, reads, node.function.strip("_"), parts)

    def _made(self, node: Node, kind: Kind, args: Iterable[Term], run: Run) -> Term:
        return Term(run, kind, node, frozenset().union(*(arg.reads for arg in args)))

    def _refused(self, node: Node, name: str) -> Term:
        if name == "null":
            remedy = "Write answered(question), which is true or false."
            return self._fault(node, "unknown_function", "'null' is not part of the rule language.", remedy)
        if name.lower() in WORDS:
            remedy = f"Write {WORDS[name.lower()]}."
            self.faults.append(
                TextFault(
                    "unknown_function", f"{name!r} is no operator.", remedy, self._source.rfind(name, 0, node.offset)
                )
            )
            return Term(operators.constant(None), ANY, node, frozenset())
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
