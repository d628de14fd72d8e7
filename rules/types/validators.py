"""The validators that a question can name: ``max:120``, ``not_before:as_of``, ``zip_matches_state:other_question``.
Pure.

``warn max:120`` makes its error a warning, which a person can confirm.

A check tests one value by itself; a relation compares it with other answers. Both return an error text or None. The
validators of single question types are in the files of the types; those of several types, and relations, are here.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from rules.folding import fold
from rules.language.expressions import Expression
from rules.language.kinds import DATE, NUMBER, TEXT, Kind
from rules.language.values import Maybe, Unknown, Value
from rules.types.checks import (
    Check,
    CheckContext,
    CheckTest,
    InvalidValidator,
    ValidatorMaker,
    as_warning,
    number_bound,
    require_count,
    whole_argument,
)
from rules.types.formats import short_day
from rules.types.question_type import QuestionType, TypedQuestion
from rules.types.registry import QUESTION_TYPES, type_of
from rules.types.zip import unknown_zip
from rules.zip_codes import states_of_zip

#: Of a sensitive question it is a warning that only readers of the answer see: an error would tell a hit from a guess.
UNIQUE_IN_POOL: Final = "unique_in_pool"
#: Replace the texts of errors that would show something of an answer: of the checked one, and of another.
NOT_SHOWN: Final = "Check this answer."
DOES_NOT_FIT: Final = "This does not fit another answer."
_Related: TypeAlias = "tuple[str, Kind, Callable[[Value, Value], str | None]]"
RelationTest: TypeAlias = Callable[[Value, Value], str | None]


class Relation(NamedTuple):
    """A compiled validator that compares a value with the value of ``other``."""

    name: str
    other: Expression
    test: RelationTest


class RelationDraft(NamedTuple):
    """A relation whose CEL text ``other`` is not compiled yet; its value must be of the given ``kind``."""

    name: str
    other: str
    kind: Kind
    test: RelationTest


class _TypeValidator(NamedTuple):
    """A validator that question types declare, and the codes of the types that it fits."""

    make: ValidatorMaker
    types: tuple[str, ...]


def parse_validators(
    question: TypedQuestion, pool: str
) -> tuple[list[Check], list[RelationDraft], list[InvalidValidator]]:
    """Return the checks, the relations and the invalid validators of ``question``, a question of ``pool`` or "".

    The checks of the question's type come first.
    """
    checks, relations, faults = list(type_of(question.type).checks), [], []
    for call in question.validate:
        name, is_warning, args = _parts(call)
        try:
            if name in _TYPE_VALIDATORS:
                test = _of_type(question, name, args)
                checks.append(Check(name, as_warning(test) if is_warning else test))
            elif name in _LIMITS:
                test = _LIMITS[name](type_of(question.type), args)
                checks.append(Check(name, as_warning(test) if is_warning else test))
            elif name in _RELATIONS:
                other, kind, relation = _RELATIONS[name](question, args, pool)
                relations.append(RelationDraft(name, other, kind, as_warning(relation) if is_warning else relation))
            else:
                known = ", ".join(sorted([*_TYPE_VALIDATORS, *_LIMITS, *_RELATIONS]))
                raise InvalidValidator(f"There is no validator {name!r}.", f"The validators are: {known}.")
        except InvalidValidator as fault:
            faults.append(fault)
    return checks, relations, faults


def _parts(call: str) -> tuple[str, bool, list[str]]:
    """Return the name of a validator, whether its errors are warnings (``warn max:120``), and its arguments."""
    name, *args = call.split(":")
    warns, _, rest = name.partition(" ")
    return (rest.strip(), True, args) if warns == "warn" and rest else (name, False, args)


# Validators of single types


def _type_validators() -> dict[str, _TypeValidator]:
    """Return the validators of all types by name; one of a text type also fits a plain text."""
    validators: dict[str, _TypeValidator] = {}
    for question_type in QUESTION_TYPES.values():
        for name, make in question_type.validators.items():
            types = (question_type.code, "text") if question_type.kind == TEXT else (question_type.code,)
            if name in validators:
                raise ValueError(f"Two question types declare the validator {name!r}.")
            validators[name] = _TypeValidator(make, types)
    return validators


def _of_type(question: TypedQuestion, name: str, args: list[str]) -> CheckTest:
    validator = _TYPE_VALIDATORS[name]
    _require(question, validator.types, name)
    return validator.make(args)


def _require(question: TypedQuestion, types: Sequence[str], name: str) -> None:
    if question.type not in types:
        text = f"{name!r} does not fit a {question.type} question."
        raise InvalidValidator(text, f"It fits: {', '.join(types)}.")


# Limits of numbers and of the length of texts


def _limit(
    name: str, is_beyond: Callable[[Value, Value], bool], words: str
) -> Callable[[QuestionType, list[str]], CheckTest]:
    def make(question_type: QuestionType, args: list[str]) -> CheckTest:
        usage = f"{name}:100"
        require_count(args, 1, usage)
        if question_type.kind == TEXT and not question_type.has_choices:
            length = whole_argument(args[0], usage)
            return lambda value, context: (
                f"Enter at {words} {length} characters." if is_beyond(len(value), length) else None
            )
        if question_type.kind != NUMBER:
            text = f"{name!r} does not fit a {question_type.code} question."
            raise InvalidValidator(text, "It fits numbers, and the length of texts.")
        bound = number_bound(args[0], usage)

        def test(value: Value, context: CheckContext) -> str | None:
            limit = bound(context)
            return f"Must be at {words} {_text_of(limit, question_type)}." if is_beyond(value, limit) else None

        return test

    return make


def _text_of(value: Value, question_type: QuestionType) -> str:
    """Return a limit as people type it in a question of the type."""
    if isinstance(value, date):
        return short_day(value.isoformat())
    if isinstance(value, Decimal | Fraction):
        value = int(value) if value == int(value) else float(value)
    return question_type.input_text(value)


# Relations


def _name(args: list[str], usage: str) -> str:
    require_count(args, 1, usage)
    if not re.fullmatch(r"[A-Za-z_]\w*", args[0], re.ASCII):
        raise InvalidValidator(f"{args[0]!r} is not a question code.", f"Write {usage}.")
    return args[0]


def _bound_by(
    name: str, is_beyond: Callable[[Value, Value], bool], words: str
) -> Callable[[TypedQuestion, list[str], str], _Related]:
    def make(question: TypedQuestion, args: list[str], pool: str) -> _Related:
        kind = type_of(question.type).kind
        if kind not in (NUMBER, DATE):
            text = f"{name!r} does not fit a {question.type} question."
            raise InvalidValidator(text, "It fits numbers and dates.")

        def test(value: Value, other: Value) -> str | None:
            return f"Must be at {words} {_text_of(other, type_of(question.type))}." if is_beyond(value, other) else None

        return _name(args, f"{name}:other_question"), kind, test

    return make


def _zip_matches_state(question: TypedQuestion, args: list[str], pool: str) -> _Related:
    _require(question, ("zip", "text"), "zip_matches_state")

    def test(value: Value, state: Value) -> str | None:
        states = states_of_zip(value)
        if not states:
            # The type of a ZIP question warns by itself.
            return None if question.type == "zip" else unknown_zip(value)
        if state in states:
            return None
        return f"This ZIP code is in {' or '.join(sorted(states))}, not in {state}."

    return _name(args, "zip_matches_state:state_question"), TEXT, test


def _in_pool(question: TypedQuestion, args: list[str], pool: str) -> _Related:
    usage = "in_pool:pool.question"
    require_count(args, 1, usage)
    other, _, code = args[0].partition(".")
    source = f"{_name([other], usage)}.map(row_of_{other}, row_of_{other}.{_name([code], usage)})"

    def test(value: Value, others: Value) -> str | None:
        known = [element for element in others if element is not None]
        if not known or value in known or any(isinstance(element, Unknown | Maybe) for element in known):
            return None
        return f"This is not one of the {other.replace('_', ' ')} on this form."

    return source, Kind("list", type_of(question.type).kind), test


def _siblings(question: TypedQuestion, pool: str, name: str) -> str:
    if not pool:
        remedy = "Remove it, or move the question into a pool."
        raise InvalidValidator(f"{name!r} fits only questions of a pool.", remedy)
    return f"{pool}.map(row_of_{pool}, row_of_{pool}.{question.code})"


def _unique_in_pool(question: TypedQuestion, args: list[str], pool: str) -> _Related:
    require_count(args, 0, "unique_in_pool")

    def test(value: Value, others: Value) -> str | None:
        return "Another row has the same value." if _occurrences(value, others) > 1 else None

    return _siblings(question, pool, "unique_in_pool"), Kind("list", type_of(question.type).kind), test


def _occurrences(value: Value, others: Sequence[Value]) -> int:
    """Return how often ``others`` contain ``value``; texts that people take for the same are equal."""
    if not isinstance(value, str):
        return others.count(value)
    return _folded(tuple(other for other in others if isinstance(other, str)))[fold(value)]


@lru_cache(maxsize=1)
def _folded(texts: tuple[str, ...]) -> Counter[str]:
    """Return how often each folded text occurs; the rows of one pool are compared with the same others in turn."""
    return Counter(map(fold, texts))


def _pool_sum_max(question: TypedQuestion, args: list[str], pool: str) -> _Related:
    require_count(args, 1, "pool_sum_max:100")
    question_type = type_of(question.type)
    if question_type.kind != NUMBER:
        raise InvalidValidator(f"'pool_sum_max' does not fit a {question.type} question.", "It fits numbers.")
    limit = number_bound(args[0], "pool_sum_max:100")(CheckContext(date.min, False))

    def test(value: Value, others: Value) -> str | None:
        total = sum(Fraction(number) for number in others if isinstance(number, int | Decimal | Fraction))
        if total <= limit:
            return None
        texts = (_text_of(number, question_type) for number in (total, limit))
        return "The rows add up to {}, more than {}.".format(*texts)

    return _siblings(question, pool, "pool_sum_max"), Kind("list", NUMBER), test


_TYPE_VALIDATORS: Final[Mapping[str, _TypeValidator]] = _type_validators()
#: The checks and relations whose texts show something of the answer itself.
QUOTING_OWN: Final = frozenset({"naics6", "pool_sum_max", "zip_matches_state", "zip_unknown"})
_LIMITS: Final[dict[str, Callable[[QuestionType, list[str]], CheckTest]]] = {
    "min": _limit("min", operator.lt, "least"),
    "max": _limit("max", operator.gt, "most"),
}
_RELATIONS: Final[dict[str, Callable[[TypedQuestion, list[str], str], _Related]]] = {
    "min_of": _bound_by("min_of", operator.lt, "least"),
    "max_of": _bound_by("max_of", operator.gt, "most"),
    "zip_matches_state": _zip_matches_state,
    "in_pool": _in_pool,
    UNIQUE_IN_POOL: _unique_in_pool,
    "pool_sum_max": _pool_sum_max,
}
#: The validators that compare the answer with others.
RELATIONS: Final = frozenset(_RELATIONS)
