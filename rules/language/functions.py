"""The functions of the rule language: one entry each, with its type for the checker and its closure. Pure."""

from __future__ import annotations

import calendar
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from rules.language import numbers, operators
from rules.language import values as truth
from rules.language.checker import pattern_matcher
from rules.language.kinds import ANY, DATE, NUMBER, TEXT, TEXTS, TRUTH, Domain, FunctionType, Kind
from rules.language.operators import Run, full_years, over_known
from rules.language.values import Slots, Unknown, Value

_ANY_LIST: Final = Kind("list", ANY)
_NUMBERS: Final = Kind("list", NUMBER)
#: More digits than a number of the language can have.
_MOST_PLACES: Final = 15


@dataclass(frozen=True, slots=True)
class Between:
    """The domain of a function whose values are the whole numbers from ``least`` to ``most``."""

    least: int
    most: int
    name: str = ""
    choices: Mapping[str, str] = field(default_factory=dict, compare=False)

    def holds(self, value: Any) -> bool:
        """Return whether ``value`` is one of the numbers."""
        return bool(value == int(value) and self.least <= value <= self.most)

    def passes(self, test: str, text: str) -> bool:
        """Return True; a number has no text tests."""
        return True

    def order(self, value: Any) -> int:
        """Return -1 or 1 if ``value`` is below or above all of the numbers."""
        return -1 if value < self.least else int(value > self.most)

    def remedy(self, value: Any) -> str:
        """Return what to write instead of ``value``."""
        return f"Write a whole number from {self.least} to {self.most}."


@dataclass(frozen=True, slots=True)
class Lowered:
    """The domain of texts without capital letters."""

    name: str = ""
    choices: Mapping[str, str] = field(default_factory=dict, compare=False)

    def holds(self, value: Any) -> bool:
        """Return whether ``value`` has no capital letter."""
        return bool(value == value.lower())

    def passes(self, test: str, text: str) -> bool:
        """Return whether ``text`` has no capital letter."""
        return self.holds(text)

    def order(self, value: Any) -> int:
        """Return 0; texts have no limits."""
        return 0

    def remedy(self, value: Any) -> str:
        """Return what to write instead of ``value``."""
        return f'Write "{value.lower()}".'


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language. ``make`` turns the closures of its arguments into its own.

    ``overloads`` are the kinds of its arguments, a method's target first; ``is_method`` is True for
    ``text.name(...)``, None for either form. ``constant`` is the position of an argument that must be a text in quotes:
    ``make`` receives the text itself and raises ``ValueError`` for a wrong one; ``remedy`` shows a right one.
    ``is_standard`` functions are part of CEL, so that the checker knows them. ``domain`` limits its values.
    """

    result: Kind
    overloads: tuple[tuple[Kind, ...], ...]
    make: Callable[..., Run]
    is_method: bool | None = False
    constant: int | None = None
    remedy: str = ""
    is_standard: bool = False
    domain: Domain | None = None

    def takes(self, count: int, *, is_method: bool) -> bool:
        """Return whether it can be called with ``count`` arguments in this form."""
        return self.is_method in (None, is_method) and any(len(kinds) == count for kinds in self.overloads)

    @property
    def kind(self) -> Kind:
        """Return the kind of its value."""
        return self.result.within(self.domain) if self.domain else self.result


def function_types() -> list[FunctionType]:
    """Return the types of the functions that the checker does not know by itself."""
    return [
        FunctionType(name, item.result, item.overloads, item.is_method)
        for name, item in FUNCTIONS.items()
        if not item.is_standard
    ]


# Dates


def _years(operand: Run) -> Run:
    def years(root: Slots, row: Any, local: Any) -> Value:
        value = operand(root, row, local)
        return value if value is None or value.__class__ is Unknown else full_years(value, root[0])

    return years


def full_months(start: date, end: date) -> int:
    """Return the number of full months from ``start`` to ``end``, negative if it is earlier.

    The last day of a month completes it: from January 31 to February 28 is one month.
    """
    if end < start:
        return -full_months(end, start)
    last = calendar.monthrange(end.year, end.month)[1]
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < min(start.day, last))


def _date(text: str) -> Run:
    return operators.constant(date.fromisoformat(text))


# Numbers and lists


def _size(value: Value) -> Value:
    return len(value) if isinstance(value, str) else truth.count(value)


def rounded(number: Value, places: Value = 0) -> Value:
    """Return ``number`` rounded half up (away from 0) to ``places`` decimals; hidden for other than a few places."""
    if places != int(places) or abs(places) > _MOST_PLACES:
        return None
    return numbers.round_half_up(number, int(places))


# Texts and answers


def _text_test(name: str) -> Callable[[Run, Run], Run]:
    return lambda text, other: operators.comparison(name, text, other)


def _matches(subject: Run, pattern: str) -> Run:
    test = pattern_matcher(pattern)

    def matched(root: Slots, row: Any, local: Any) -> Value:
        value = subject(root, row, local)
        if value is None:
            return False
        return value if value.__class__ is Unknown else test(value)

    return matched


def _answered(operand: Run) -> Run:
    """Return a closure that is True for an answer, a value or a list with elements, else False; never Unknown."""

    def answered(root: Slots, row: Any, local: Any) -> Value:
        value = operand(root, row, local)
        return value is not None and value.__class__ is not Unknown and value != []

    return answered


_TEXT_TESTS: Final = ((TEXT, TEXT),)
FUNCTIONS: Final[dict[str, Function]] = {
    "sum": Function(NUMBER, ((_NUMBERS,),), over_known(truth.total)),
    "min": Function(NUMBER, ((_NUMBERS,),), over_known(truth.least)),
    "max": Function(NUMBER, ((_NUMBERS,),), over_known(truth.greatest)),
    "count": Function(NUMBER, ((_ANY_LIST,),), over_known(truth.count)),
    "size": Function(NUMBER, ((_ANY_LIST,), (TEXT,)), over_known(_size)),
    "round": Function(NUMBER, ((NUMBER,), (NUMBER, NUMBER)), over_known(rounded)),
    "year": Function(NUMBER, ((DATE,),), over_known(operator.attrgetter("year")), domain=Between(1000, 9999)),
    "month": Function(NUMBER, ((DATE,),), over_known(operator.attrgetter("month")), domain=Between(1, 12)),
    "day": Function(NUMBER, ((DATE,),), over_known(operator.attrgetter("day")), domain=Between(1, 31)),
    "years": Function(NUMBER, ((DATE,),), _years),
    "months": Function(NUMBER, ((DATE, DATE),), over_known(full_months)),
    "days": Function(NUMBER, ((DATE, DATE),), over_known(lambda start, end: (end - start).days)),
    "date": Function(DATE, ((TEXT,),), _date, constant=0, remedy='Write date("2026-01-31").'),
    "lower": Function(TEXT, ((TEXT,),), over_known(str.lower), domain=Lowered()),
    "answered": Function(TRUTH, ((ANY,),), _answered),
    "startsWith": Function(TRUTH, _TEXT_TESTS, _text_test("startsWith"), is_method=True, is_standard=True),
    "endsWith": Function(TRUTH, _TEXT_TESTS, _text_test("endsWith"), is_method=True, is_standard=True),
    "contains": Function(TRUTH, _TEXT_TESTS, _text_test("contains"), is_method=True, is_standard=True),
    "matches": Function(
        TRUTH,
        _TEXT_TESTS,
        _matches,
        is_method=True,
        constant=1,
        is_standard=True,
        remedy="Write a regular expression (RE2) in quotes.",
    ),  # fmt: skip
    "startsWithAny": Function(TRUTH, ((TEXT, TEXTS),), _text_test("startsWithAny"), is_method=None),
}
