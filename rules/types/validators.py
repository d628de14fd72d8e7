"""The validators that a question can name: ``max:120``, ``not_before:as_of``, ``zip_matches_state:other_question``.
Pure.

A *check* looks at one value by itself; a *relation* compares it with other answers. Both give the sentence that is
shown, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple, TypeAlias

from rules.definition.catalogue import Question, QuestionType
from rules.language.expressions import Expression
from rules.language.kinds import DATE, KIND_OF_TYPE, NUMBER, TEXT, Kind
from rules.language.operators import full_years
from rules.language.values import Maybe, Unknown, Value
from rules.reference_data import is_industry, states_of_zip
from rules.types.identity_numbers import is_ein, is_email, is_phone, is_ssn, is_url, is_vin


class Setting(NamedTuple):
    """What a check may know beside the value."""

    as_of: date
    allow_test_identities: bool


_Related: TypeAlias = "tuple[str, Kind, Callable[[Value, Value], str | None]]"
CheckTest: TypeAlias = Callable[[Value, Setting], str | None]
RelationTest: TypeAlias = Callable[[Value, Value], str | None]


class Check(NamedTuple):
    """A compiled validator of one value by itself; ``name`` is the code of its faults."""

    name: str
    test: CheckTest


class Relation(NamedTuple):
    """A compiled validator that compares a value with what ``other`` gives."""

    name: str
    other: Expression
    test: RelationTest


class RelationDraft(NamedTuple):
    """A relation before its CEL text ``other``, which is to give a ``kind``, is compiled."""

    name: str
    other: str
    kind: Kind
    test: RelationTest


class WrongValidator(ValueError):
    """A validator that does not exist, or is called with wrong arguments; ``remedy`` says what would be right."""

    def __init__(self, text: str, remedy: str) -> None:
        """Keep the sentence and the remedy."""
        self.remedy = remedy
        super().__init__(text)


def parse_validators(question: Question, pool: str) -> tuple[list[Check], list[RelationDraft], list[WrongValidator]]:
    """Return the checks and relations of ``question`` (in rows of ``pool``, or "") and what is wrong with those
    named; the type's own check comes first.
    """
    checks, relations, faults = list(_TYPE_CHECKS.get(question.type, ())), [], []
    for call in question.validate:
        name, *args = call.split(":")
        try:
            if name in _CHECKS:
                checks.append(Check(name, _CHECKS[name](question, args)))
            elif name in _RELATIONS:
                relations.append(RelationDraft(name, *_RELATIONS[name](question, args, pool)))
            else:
                known = ", ".join(sorted([*_CHECKS, *_RELATIONS]))
                raise WrongValidator(f"There is no validator {name!r}.", f"There are: {known}.")
        except WrongValidator as fault:
            faults.append(fault)
    return checks, relations, faults


# Arguments


def _require(question: Question, types: Sequence[QuestionType], name: str) -> None:
    if question.type not in types:
        raise WrongValidator(f"{name!r} does not fit a {question.type} question.", f"It fits: {', '.join(types)}.")


def _count(args: list[str], number: int, form: str) -> None:
    if len(args) != number:
        raise WrongValidator(f"{form.split(':')[0]!r} takes {number} argument(s), not {len(args)}.", f"Write {form}.")


def _whole(text: str, form: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise WrongValidator(f"{text!r} is no whole number.", f"Write {form}.")
    return int(text)


def _number_bound(text: str, form: str) -> Callable[[Setting], Value]:
    relative = re.fullmatch(r"as_of(?:([+-]\d{1,4}))?", text)
    if relative:
        shift = int(relative[1] or 0)
        return lambda setting: setting.as_of.year + shift
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise WrongValidator(f"{text!r} is no number.", f"Write {form}, or as_of for the year of the evaluation date.")
    return lambda setting: number


def _date_bound(args: list[str], form: str) -> Callable[[Setting], date]:
    _count(args, 1, form)
    relative = re.fullmatch(r"as_of(?:([+-]\d{1,5}))?", args[0])
    if relative:
        shift = timedelta(days=int(relative[1] or 0))
        return lambda setting: setting.as_of + shift
    try:
        fixed = date.fromisoformat(args[0])
    except ValueError as error:
        raise WrongValidator(
            f"{args[0]!r} is no date.", f"Write {form}, {form.split(':')[0]}:2026-01-31 or as_of+30."
        ) from error
    return lambda setting: fixed


def _say(number: Value) -> str:
    return f"{number.normalize():f}" if isinstance(number, Decimal) else str(number)


# Checks


def _limit(
    name: str, is_beyond: Callable[[Value, Value], bool], words: str
) -> Callable[[Question, list[str]], CheckTest]:
    def make(question: Question, args: list[str]) -> CheckTest:
        form = f"{name}:100"
        _count(args, 1, form)
        kind = KIND_OF_TYPE[question.type]
        if kind == TEXT and question.type != "choice":
            length = _whole(args[0], form)
            return lambda value, setting: (
                f"Give at {words} {length} characters." if is_beyond(len(value), length) else None
            )
        if kind != NUMBER:
            raise WrongValidator(
                f"{name!r} does not fit a {question.type} question.", "It fits numbers, and the length of texts."
            )
        bound = _number_bound(args[0], form)

        def test(value: Value, setting: Setting) -> str | None:
            limit = bound(setting)
            return f"Must be at {words} {_say(limit)}." if is_beyond(value, limit) else None

        return test

    return make


def _items(name: str, is_beyond: Callable[[int, int], bool], words: str) -> Callable[[Question, list[str]], CheckTest]:
    def make(question: Question, args: list[str]) -> CheckTest:
        _require(question, ("multi_choice",), name)
        _count(args, 1, f"{name}:1")
        number = _whole(args[0], f"{name}:1")
        return lambda value, setting: f"Choose at {words} {number}." if is_beyond(len(value), number) else None

    return make


def _not_before(question: Question, args: list[str]) -> CheckTest:
    _require(question, ("date",), "not_before")
    bound = _date_bound(args, "not_before:as_of")
    return lambda value, setting: f"Must not be before {bound(setting)}." if value < bound(setting) else None


def _not_after(question: Question, args: list[str]) -> CheckTest:
    _require(question, ("date",), "not_after")
    bound = _date_bound(args, "not_after:as_of")
    return lambda value, setting: f"Must not be after {bound(setting)}." if value > bound(setting) else None


def _within_days(question: Question, args: list[str]) -> CheckTest:
    _require(question, ("date",), "within_days")
    _count(args, 1, "within_days:120")
    days = _whole(args[0], "within_days:120")
    return lambda value, setting: (
        f"Must lie within {days} days of {setting.as_of}." if abs((value - setting.as_of).days) > days else None
    )


def _years_back(question: Question, args: list[str]) -> CheckTest:
    _require(question, ("date",), "years_back")
    _count(args, 1, "years_back:5")
    years = _whole(args[0], "years_back:5")

    def test(value: Value, setting: Setting) -> str | None:
        # Five years back includes the day five years ago.
        is_beyond = full_years(value, setting.as_of - timedelta(days=1)) >= years
        return f"Must lie within the last {years} years." if is_beyond else None

    return test


def _age_between(question: Question, args: list[str]) -> CheckTest:
    _require(question, ("date",), "age_between")
    _count(args, 2, "age_between:18:110")
    least, most = (_whole(arg, "age_between:18:110") for arg in args)

    def test(value: Value, setting: Setting) -> str | None:
        age = full_years(value, setting.as_of)
        return None if least <= age <= most else f"The age must be between {least} and {most}."

    return test


def _plain(name: str, types: Sequence[QuestionType], test: CheckTest) -> Callable[[Question, list[str]], CheckTest]:
    def make(question: Question, args: list[str]) -> CheckTest:
        _require(question, types, name)
        _count(args, 0, name)
        return test

    return make


def _if_not(is_right: Callable[[str, bool], bool], text: str) -> CheckTest:
    return lambda value, setting: None if is_right(value, setting.allow_test_identities) else text


_CHECKS: Final[dict[str, Callable[[Question, list[str]], CheckTest]]] = {
    "min": _limit("min", lambda value, limit: value < limit, "least"),
    "max": _limit("max", lambda value, limit: value > limit, "most"),
    "min_items": _items("min_items", lambda value, limit: value < limit, "least"),
    "max_items": _items("max_items", lambda value, limit: value > limit, "most"),
    "not_before": _not_before,
    "not_after": _not_after,
    "within_days": _within_days,
    "years_back": _years_back,
    "age_between": _age_between,
    "fein": _plain("fein", ("fein", "text"), _if_not(is_ein, "This is no federal tax ID that the IRS gives out.")),
    "ssn": _plain("ssn", ("ssn", "text"), _if_not(is_ssn, "This is no Social Security number that is given out.")),
    "us_phone": _plain("us_phone", ("phone", "text"), _if_not(is_phone, "This is no US phone number.")),
    "vin_check_digit": _plain(
        "vin_check_digit", ("vin", "text"), _if_not(is_vin, "The VIN's check digit is wrong: look for a typing error.")
    ),
    "naics6": _plain(
        "naics6",
        ("naics", "text"),
        _if_not(lambda value, _: is_industry(value), "There is no six-digit NAICS code like this."),
    ),
    "zip5": _plain(
        "zip5",
        ("zip", "text"),
        _if_not(lambda value, _: bool(re.fullmatch("[0-9]{5}", value)), "A ZIP has five digits."),
    ),
    "must_be_true": _plain(
        "must_be_true", ("boolean",), lambda value, setting: None if value is True else "This must be confirmed."
    ),
}
_TYPE_CHECKS: Final[dict[QuestionType, tuple[Check, ...]]] = {
    "email": (Check("email", _if_not(lambda value, _: is_email(value), "This is no e-mail address.")),),
    "url": (Check("url", _if_not(lambda value, _: is_url(value), "This is no web address like https://example.com.")),),
}


# Relations


def _name(args: list[str], form: str) -> str:
    _count(args, 1, form)
    if not re.fullmatch(r"[A-Za-z_]\w*", args[0], re.ASCII):
        raise WrongValidator(f"{args[0]!r} is no question code.", f"Write {form}.")
    return args[0]


def _bound_by(
    name: str, is_beyond: Callable[[Value, Value], bool], words: str
) -> Callable[[Question, list[str], str], _Related]:
    def make(question: Question, args: list[str], pool: str) -> _Related:
        kind = KIND_OF_TYPE[question.type]
        if kind not in (NUMBER, DATE):
            raise WrongValidator(f"{name!r} does not fit a {question.type} question.", "It fits numbers and dates.")

        def test(value: Value, other: Value) -> str | None:
            return f"Must be at {words} {_say(other)}." if is_beyond(value, other) else None

        return _name(args, f"{name}:other_question"), kind, test

    return make


def _zip_matches_state(question: Question, args: list[str], pool: str) -> _Related:
    _require(question, ("zip", "text"), "zip_matches_state")

    def test(value: Value, state: Value) -> str | None:
        states = states_of_zip(value)
        if state in states:
            return None
        return (
            f"ZIP {value} lies in {' or '.join(sorted(states))}, not in {state}."
            if states
            else f"There is no ZIP {value}."
        )

    return _name(args, "zip_matches_state:state_question"), TEXT, test


def _in_pool(question: Question, args: list[str], pool: str) -> _Related:
    form = "in_pool:pool.question"
    _count(args, 1, form)
    other, _, code = args[0].partition(".")
    source = f"{_name([other], form)}.map(row_of_{other}, row_of_{other}.{_name([code], form)})"

    def test(value: Value, others: Value) -> str | None:
        known = [element for element in others if element is not None]
        if not known or value in known or any(isinstance(element, Unknown | Maybe) for element in known):
            return None
        return "This is not among the " + other.replace("_", " ") + " of this form."

    return source, Kind("list", KIND_OF_TYPE[question.type]), test


def _siblings(question: Question, pool: str, name: str) -> str:
    if not pool:
        raise WrongValidator(
            f"{name!r} fits only questions of a pool.", "Take it out, or move the question into a pool."
        )
    return f"{pool}.map(row_of_{pool}, row_of_{pool}.{question.code})"


def _unique_in_pool(question: Question, args: list[str], pool: str) -> _Related:
    _count(args, 0, "unique_in_pool")

    def test(value: Value, others: Value) -> str | None:
        return "This is given twice." if others.count(value) > 1 else None

    return _siblings(question, pool, "unique_in_pool"), Kind("list", KIND_OF_TYPE[question.type]), test


def _pool_sum_max(question: Question, args: list[str], pool: str) -> _Related:
    _count(args, 1, "pool_sum_max:100")
    if KIND_OF_TYPE[question.type] != NUMBER:
        raise WrongValidator(f"'pool_sum_max' does not fit a {question.type} question.", "It fits numbers.")
    limit = _number_bound(args[0], "pool_sum_max:100")(Setting(date.min, False))

    def test(value: Value, others: Value) -> str | None:
        total = sum(number for number in others if isinstance(number, int | Decimal))
        return f"The rows add to {_say(total)}, more than {_say(limit)}." if total > limit else None

    return _siblings(question, pool, "pool_sum_max"), Kind("list", NUMBER), test


_RELATIONS: Final[dict[str, Callable[[Question, list[str], str], _Related]]] = {
    "min_of": _bound_by("min_of", lambda value, other: value < other, "least"),
    "max_of": _bound_by("max_of", lambda value, other: value > other, "most"),
    "zip_matches_state": _zip_matches_state,
    "in_pool": _in_pool,
    "unique_in_pool": _unique_in_pool,
    "pool_sum_max": _pool_sum_max,
}
