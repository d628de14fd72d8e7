"""Writes conditions and values of a catalogue in plain English: "“Miles to the coast” is less than 5". Pure.

Labels stand for codes, and constants are formatted as answers to the question that they are compared with. A piece of
another form keeps the notation of the rule language, with labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from rules.definition.catalogue import Question
from rules.definition.labels import set_title_of
from rules.definition.model import CompiledCatalogue
from rules.language.expressions import AS_OF
from rules.language.syntax import Call, Field, ListOf, Literal, Macro, Name, Node, unparse
from rules.reference_data import industries
from rules.types.boolean import BOOLEAN
from rules.types.date import DATE
from rules.types.formats import number, short_day
from rules.types.naics import NAICS
from rules.types.registry import type_of
from rules.types.text import TEXT
from rules.types.year import YEAR

_COMPARISONS: Final = {
    "_>_": "more than {}",
    "_>=_": "{} or more",
    "_<_": "less than {}",
    "_<=_": "{} or less",
    "_==_": "{}",
    "_!=_": "not {}",
}
_OF_DATES: Final = {"_>_": "after {}", "_>=_": "{} or later", "_<_": "before {}", "_<=_": "{} or earlier"}
#: The comparison with its sides exchanged.
MIRRORED: Final = {"_>_": "_<_", "_>=_": "_<=_", "_<_": "_>_", "_<=_": "_>=_", "_==_": "_==_", "_!=_": "_!=_"}
_ARITHMETIC: Final = {"_+_": "plus", "_-_": "minus", "_*_": "times", "_/_": "divided by"}
_TEXT_TESTS: Final = {
    "startsWith": ("begins with", "does not begin with"),
    "startsWithAny": ("begins with", "does not begin with"),
    "endsWith": ("ends with", "does not end with"),
    "contains": ("contains", "does not contain"),
}
_IN_ROWS: Final = {"exists": "in at least one row of", "all": "in every row of", "exists_one": "in exactly one row of"}
_OVER_ROWS: Final = {"sum": "the total of", "max": "the largest", "min": "the smallest"}
_FUNCTIONS: Final = {
    "year": "the year of {}",
    "month": "the month of {}",
    "day": "the day of {}",
    "years": "the full years since {}",
    "months": "the full months from {} to {}",
    "days": "the days from {} to {}",
    "lower": "{}",
    "size": "the length of {}",
    "count": "the number of {}",
    "sum": "the total of {}",
    "max": "the largest of {}",
    "min": "the smallest of {}",
}
_NAME: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*')


class ConditionWords:
    """The words of one catalogue."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        """Take the catalogue whose labels and choices the words use."""
        self._catalogue = catalogue

    # Conditions

    def condition(self, node: Node, *, holds: bool = True) -> str:
        """Return the condition ``node`` as a clause; with ``holds=False`` its opposite."""
        match node:
            case Literal(value=bool()):
                return "this is always so" if node.value is holds else "this is never so"
            case Name() | Field():
                return f"{self.value(node)} is {BOOLEAN.labels['true' if holds else 'false']}"
            case Call(function="!_"):
                return self.condition(node.args[0], holds=not holds)
            case Call(function="_&&_" | "_||_"):
                return self._joined(node, holds=holds)
            case Macro(name="exists" | "all" | "exists_one"):
                return self._in_rows(node, holds=holds)
            case Call():
                return self._called(node, holds=holds)
        return self._notation(node, holds=holds)

    def _joined(self, node: Call, *, holds: bool) -> str:
        parts = operands(node, node.function)
        if not holds:
            return f"it is not so that {self._joined(node, holds=True)}"
        word = "and" if node.function == "_&&_" else "or"
        if word == "or" and (merged := self._choices_of_one(parts)):
            return merged
        clauses = [self.condition(part) for part in parts]
        if word == "and":
            clauses = [
                f"({clause})" if isinstance(part, Call) and part.function == "_||_" and " or " in clause else clause
                for part, clause in zip(parts, clauses, strict=True)
            ]
        return f" {word} ".join(clauses)

    def _choices_of_one(self, parts: Sequence[Node]) -> str:
        """Return "X is A or B" where all ``parts`` compare one name with constants, else ""."""
        subjects, values = set[str](), list[Literal]()
        for part in parts:
            match part:
                case Call(function="@in", args=(Literal() as value, Name() | Field() as subject)):
                    subjects.add(f"{self.value(subject)} includes")
                case Call(function="_==_", args=(Name() | Field() as subject, Literal() as value)):
                    subjects.add(f"{self.value(subject)} is")
                case _:
                    return ""
            values.append(value)
        if len(subjects) != 1:
            return ""
        return f"{subjects.pop()} {_listed((self.constant(value, subject) for value in values), 'or')}"

    def _in_rows(self, node: Macro, *, holds: bool) -> str:
        inner = node.body
        # Buildings of locations: the rows of the inner pool say it.
        is_same = node.name != "exists_one" and isinstance(inner, Macro) and inner.name == node.name
        if is_same and isinstance(inner, Macro) and _is_field_of(inner.source, node.variable):
            return self._in_rows(inner, holds=holds)
        if node.name == "exists" and not holds:
            return f"in no row of {self.value(node.source)}, {self.condition(inner)}"
        lead = f"{_IN_ROWS[node.name]} {self.value(node.source)}, {self.condition(inner)}"
        return lead if holds else f"it is not so that {lead}"

    def _called(self, node: Call, *, holds: bool) -> str:
        name, negated = node.function, "" if holds else "not "
        if name in _COMPARISONS:
            return self._compared(node, negated)
        if name == "@in":
            return self._contained(node, negated)
        if name in _TEXT_TESTS:
            subject, tested = node.args
            question = self.question_of(subject)
            if name.startswith("starts") and question is not None and question.type == NAICS.code:
                # An industry is in the sector or group that its code begins with.
                return f"{self.value(subject)} is {negated}in {self._alternatives(tested, subject)}"
            return f"{self.value(subject)} {_TEXT_TESTS[name][not holds]} {self._alternatives(tested, subject)}"
        if name == "answered":
            return f"{self.value(node.args[0])} is {negated}answered"
        if name == "_?_:_":
            condition, yes, no = (self.condition(arg) for arg in node.args)
            told = f"{yes} (if {condition}), otherwise {no}"
            return told if holds else f"it is not so that {told}"
        return self._notation(node, holds=holds)

    def _compared(self, node: Call, negated: str) -> str:
        sign, (left, right) = node.function, node.args
        if isinstance(left, Literal) and not isinstance(right, Literal):
            left, right, sign = right, left, MIRRORED[sign]
        # A list that is compared with the empty one.
        if isinstance(right, ListOf) and not right.items and sign in ("_==_", "_!=_"):
            is_empty = (sign == "_==_") is not bool(negated)
            return f"{self.value(left)} is {'' if is_empty else 'not '}empty"
        if negated and sign == "_!=_":
            sign, negated = "_==_", ""
        elif negated and sign in ("_>=_", "_<=_"):
            # "is not 5 or more" could be misread.
            sign, negated = {"_>=_": "_<_", "_<=_": "_>_"}[sign], ""
        other = self.constant(right, left) if isinstance(right, Literal) else self.value(right, left)
        return f"{self.value(left, right)} is {negated}{self.limit(sign, other, is_date=self._is_date(left, right))}"

    @staticmethod
    def limit(sign: str, text: str, *, is_date: bool = False) -> str:
        """Return the other side of a comparison: "more than 5", "12/31/2026 or later"."""
        return ({**_COMPARISONS, **_OF_DATES} if is_date else _COMPARISONS)[sign].format(text)

    def _contained(self, node: Call, negated: str) -> str:
        element, container = node.args
        if isinstance(container, ListOf):
            return f"{self.value(element)} is {negated}{self._alternatives(container, element)}"
        includes = "does not include" if negated else "includes"
        shown = self.constant(element, container) if isinstance(element, Literal) else self.value(element)
        return f"{self.value(container)} {includes} {shown}"

    def _alternatives(self, node: Node, subject: Node) -> str:
        items = node.items if isinstance(node, ListOf) else (node,)
        return _listed((self.value(item, subject) for item in items), "or")

    # Values

    def value(self, node: Node, beside: Node | None = None) -> str:
        """Return the value ``node`` as a noun; a constant as an answer to the question of ``beside``."""
        match node:
            case Literal():
                return self.constant(node, beside)
            case Name():
                return self.name(node.name)
            case Field():
                return self.name(node.field)
            case ListOf():
                return _listed((self.value(item, beside) for item in node.items), "and")
            case Macro(name="filter"):
                return f"rows of {self.value(node.source)} in which {self.condition(node.body)}"
            case Macro(name="map", condition=None):
                return f"{self.value(node.body)} in {self.value(node.source)}"
            case Call():
                return self._computed(node, beside)
        return self._notation(node)

    def _computed(self, node: Call, beside: Node | None) -> str:
        name, args = node.function, node.args
        if name in _ARITHMETIC:
            texts = [self.value(arg, beside) for arg in args]
            is_nested = [isinstance(arg, Call) and arg.function in _ARITHMETIC for arg in args]
            left, right = (f"({text})" if nested else text for text, nested in zip(texts, is_nested, strict=True))
            return f"{left} {_ARITHMETIC[name]} {right}"
        if name == "-_":
            return f"minus {self.value(args[0], beside)}"
        if name == "_?_:_":
            return (
                f"{self.value(args[1], beside)} if {self.condition(args[0])}, otherwise {self.value(args[2], beside)}"
            )
        if name == "date" and isinstance(args[0], Literal):
            return short_day(str(args[0].value))
        if name in _OVER_ROWS and isinstance(args[0], Macro) and args[0].name == "map" and args[0].condition is None:
            return self._over_rows(name, args[0])
        if name in ("count", "size") and self._is_pool(args[0]):
            return f"the number of rows of {self.value(args[0])}"
        if name == "round":
            return f"{self.value(args[0])}, rounded"
        if name in _FUNCTIONS and _FUNCTIONS[name].count("{}") == len(args):
            return _FUNCTIONS[name].format(*map(self.value, args))
        return self._notation(node)

    def _over_rows(self, function: str, rows: Macro) -> str:
        body = rows.body
        # The total of the totals of nested rows is their total.
        if isinstance(body, Call) and body.function == function and isinstance(body.args[0], Macro):
            inner = body.args[0]
            if inner.name == "map" and inner.condition is None and _is_field_of(inner.source, rows.variable):
                return self._over_rows(function, inner)
        return f"{_OVER_ROWS[function]} {self.value(body)} in {self.value(rows.source)}"

    def constant(self, node: Literal, beside: Node | None) -> str:
        """Return a constant as an answer to the question that ``beside`` is about."""
        if isinstance(beside, Call) and beside.function == "year":
            return str(node.value)
        question = self.question_of(beside) if beside is not None else None
        return self.formatted(node.value, question)

    def formatted(self, value: object, question: Question | None) -> str:
        """Return ``value`` as an answer to ``question``: choice labels, yes or no, money, dates as 6/1/2026."""
        if isinstance(value, bool):
            return BOOLEAN.labels["true" if value else "false"]
        if isinstance(value, Decimal):
            value = float(value)
        if question is None:
            return number(value) if isinstance(value, int | float) else str(value)
        if question.choices and isinstance(value, str):
            return self._catalogue.choices(question).get(value, value)
        kind = type_of(question.type)
        if kind is DATE and isinstance(value, str):
            return short_day(value)
        if kind is NAICS and value in industries():
            return f"{value} ({industries()[str(value)]})"
        if isinstance(value, int | float):
            return (kind if kind is not TEXT else type_of("number")).display(value, self._catalogue.currency)
        return str(value)

    def name(self, code: str) -> str:
        """Return the label of a question, pool or derived value in quotes; other names are words of the language."""
        return f"“{label}”" if (label := self.label(code)) else ("the date of the decision" if code == AS_OF else code)

    def label(self, code: str) -> str:
        """Return the label of a question or derived value, or the title of a pool's rows; "" for another name."""
        if code in self._catalogue.questions:
            return self._catalogue.questions[code].question.label
        if code in self._catalogue.derived:
            return derived_label(self._catalogue, code)
        return set_title_of(self._catalogue, code)

    def question_of(self, node: Node) -> Question | None:
        """Return the question in whose unit the value ``node`` is, None for a mere number."""
        match node:
            case Name(name=code) | Field(field=code):
                if code in self._catalogue.derived:
                    return self.question_of(self._catalogue.derived[code].value.term.node)
                known = self._catalogue.questions.get(code)
                return known.question if known is not None else None
            case Macro(name="map"):
                return self.question_of(node.body)
            case Macro(name="filter"):
                return self.question_of(node.source)
            case Call(function="sum" | "max" | "min" | "round" | "-_"):
                return self.question_of(node.args[0])
            case Call(function="_?_:_"):
                return self.question_of(node.args[1]) or self.question_of(node.args[2])
            case Call(function="_*_" | "_/_", args=(value, Literal())) | Call(function="_*_", args=(Literal(), value)):
                return self.question_of(value)
            case Call(function="_+_" | "_-_"):
                one, other = map(self.question_of, node.args)
                return one if one is not None and other is not None and one.type == other.type else None
        return None

    def _is_date(self, *nodes: Node) -> bool:
        for node in nodes:
            question = self.question_of(node)
            if question is not None and question.type in (DATE.code, YEAR.code):
                return True
            if isinstance(node, Call) and node.function == "date":
                return True
            if isinstance(node, Name) and node.name == AS_OF:
                return True
        return False

    def _is_pool(self, node: Node) -> bool:
        code = node.name if isinstance(node, Name) else node.field if isinstance(node, Field) else ""
        return code in self._catalogue.pools

    def _notation(self, node: Node, *, holds: bool = True) -> str:
        """Return ``node`` in the notation of the rule language, with labels for codes."""
        text = _NAME.sub(self._labeled, unparse(node))
        return text if holds else f"it is not so that {text}"

    def _labeled(self, found: re.Match[str]) -> str:
        text = found[0]
        return text if text.startswith('"') or not self.label(text) else self.name(text)


def derived_label(catalogue: CompiledCatalogue, code: str) -> str:
    """Return the label of a derived value; without one, its code as words."""
    return catalogue.derived[code].derived.label or code.removeprefix("d_").replace("_", " ").capitalize()


def operands(node: Node, function: str) -> list[Node]:
    """Return the parts that ``function`` joins in ``node``, however they are nested."""
    if isinstance(node, Call) and node.function == function:
        return [operand for arg in node.args for operand in operands(arg, function)]
    return [node]


def _is_field_of(node: Node, variable: str) -> bool:
    return isinstance(node, Field) and isinstance(node.operand, Name) and node.operand.name == variable


def _listed(words: Iterable[str], joint: str) -> str:
    *first, last = list(words) or [""]
    return f"{', '.join(first)} {joint} {last}" if first else last
