"""Checks of a single value, and the arguments that a catalogue passes to them (``max:120``, ``not_before:as_of``).
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple, TypeAlias

from rules.language.values import Value

#: Bounds with more digits stay decimals.
_FEW_DIGITS: Final = 15


class CheckContext(NamedTuple):
    """The facts that a check may use besides the value: the evaluation date, and whether test identities pass."""

    as_of: date
    allow_test_identities: bool


class Doubt(str):
    """An error text that is only a warning: the value is unusual, and a person can confirm that it is right.

    Results contain its plain text (``str(doubt)``): they are stored.
    """

    __slots__ = ()


CheckTest: TypeAlias = Callable[[Value, CheckContext], str | None]
ValidatorMaker: TypeAlias = Callable[[list[str]], CheckTest]


class Check(NamedTuple):
    """A check of one value by itself. ``name`` is the code of its errors; ``test`` returns an error text or None."""

    name: str
    test: CheckTest


def as_warning(test: Callable[..., str | None]) -> Callable[..., str | None]:
    """Return ``test`` with each of its errors as a warning, as ``warn vin_check_digit`` in a catalogue asks for."""

    def doubt(*values: object) -> str | None:
        text = test(*values)
        return None if text is None else Doubt(text)

    return doubt


class InvalidValidator(ValueError):
    """An unknown validator, or one with wrong arguments; ``remedy`` states what would be valid."""

    def __init__(self, text: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(text)


def text_test(is_valid: Callable[[str, bool], bool], text: str) -> CheckTest:
    """Return a test that returns ``text`` unless ``is_valid(value, allow_test_identities)``."""
    return lambda value, context: None if is_valid(value, context.allow_test_identities) else text


def without_arguments(name: str, test: CheckTest) -> ValidatorMaker:
    """Return the maker of the validator ``name``, which takes no arguments."""

    def make(args: list[str]) -> CheckTest:
        require_count(args, 0, name)
        return test

    return make


def require_count(args: list[str], number: int, usage: str) -> None:
    """Raise ``InvalidValidator`` unless there are ``number`` arguments; ``usage`` is an example of a correct call."""
    if len(args) != number:
        name = usage.split(":")[0]
        raise InvalidValidator(f"{name!r} takes {number} argument(s), not {len(args)}.", f"Write {usage}.")


def whole_argument(text: str, usage: str) -> int:
    """Return the whole number that ``text`` names. Raises ``InvalidValidator``."""
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise InvalidValidator(f"{text!r} is not a whole number.", f"Write {usage}.")
    return int(text)


def number_bound(text: str, usage: str) -> Callable[[CheckContext], Value]:
    """Return the bound that ``text`` names: a number, or ``as_of`` for the year of the evaluation date.

    Raises ``InvalidValidator``.
    """
    relative = re.fullmatch(r"as_of(?:([+-]\d{1,4}))?", text)
    if relative:
        shift = int(relative[1] or 0)
        return lambda context: context.as_of.year + shift
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        remedy = f"Write {usage}, or as_of for the year of the evaluation date."
        raise InvalidValidator(f"{text!r} is not a number.", remedy)
    # Whole numbers are compared with whole numbers four times as fast.
    fixed: Value = int(number) if number.adjusted() < _FEW_DIGITS and number == int(number) else number
    return lambda context: fixed


def date_bound(args: list[str], usage: str) -> Callable[[CheckContext], date]:
    """Return the bound that the only argument names: a date, or ``as_of`` plus or minus days.

    Raises ``InvalidValidator``.
    """
    require_count(args, 1, usage)
    relative = re.fullmatch(r"as_of(?:([+-]\d{1,5}))?", args[0])
    if relative:
        shift = timedelta(days=int(relative[1] or 0))
        return lambda context: context.as_of + shift
    try:
        fixed = date.fromisoformat(args[0])
    except ValueError as error:
        name = usage.split(":")[0]
        remedy = f"Write {usage}, {name}:2026-01-31 or {name}:as_of+30."
        raise InvalidValidator(f"{args[0]!r} is not a date.", remedy) from error
    return lambda context: fixed
