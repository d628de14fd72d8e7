"""The numbers of rules: whole numbers, decimals as written, and fractions, computed exactly. Pure.

Sums, products and quotients are exact: 1 / 3 * 3 is 1. A result beyond ``LARGEST`` is hidden, like a division by zero.
A fraction with a very long denominator is rounded to ``_PLACES`` decimal places, so that a chain of products stays
short.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias

Number: TypeAlias = "int | Decimal | Fraction"
#: The classes of numbers; a value of another class is a text, a date or a list.
CLASSES: Final[frozenset[Any]] = frozenset({int, Decimal, Fraction})
#: A greater result, positive or negative, is hidden.
LARGEST: Final = 10**30
#: Decimal places of a fraction whose denominator is longer than twice as many digits.
_PLACES: Final = 30
_LONGEST: Final = 10 ** (2 * _PLACES)
#: Adds decimals of up to ``LARGEST`` without rounding, and raises nothing.
_WIDE: Final = Context(prec=400, Emin=-999_999, Emax=999_999, traps=[])
#: JSON clients lose digits of whole numbers beyond this one.
SAFE: Final = 2**53 - 1
_SHOWN_PLACES: Final = 6


def add(left: Number, right: Number) -> Number | None:
    """Return the sum, or None beyond ``LARGEST``."""
    if left.__class__ is int and right.__class__ is int:
        return _limited(left + right)
    return settled(Fraction(left) + Fraction(right))


def subtract(left: Number, right: Number) -> Number | None:
    """Return the difference, or None beyond ``LARGEST``."""
    if left.__class__ is int and right.__class__ is int:
        return _limited(left - right)
    return settled(Fraction(left) - Fraction(right))


def multiply(left: Number, right: Number) -> Number | None:
    """Return the product, or None beyond ``LARGEST``."""
    if left.__class__ is int and right.__class__ is int:
        return _limited(left * right)
    return settled(Fraction(left) * Fraction(right))


def divide(left: Number, right: Number) -> Number | None:
    """Return the quotient, or None for a zero divisor and beyond ``LARGEST``."""
    return settled(Fraction(left) / Fraction(right)) if right else None


def negate(value: Number) -> Number:
    """Return the negative of ``value``."""
    return value.copy_negate() if isinstance(value, Decimal) else -value


def total(values: Iterable[Any]) -> Number | None:
    """Return the sum of ``values``, or None beyond ``LARGEST``."""
    whole, decimals, fractions = 0, Decimal(0), Fraction(0)
    for value in values:
        if value.__class__ is int:
            whole += value
        elif value.__class__ is Decimal:
            decimals = _WIDE.add(decimals, value)
        else:
            fractions += value
    if not decimals and not fractions:
        return _limited(whole)
    return settled(whole + Fraction(decimals) + fractions)


def settled(value: Fraction) -> Number | None:
    """Return ``value`` as a whole number where it is one, shortened where it is too long, None beyond ``LARGEST``."""
    if abs(value) > LARGEST:
        return None
    if value.denominator > _LONGEST:
        value = Fraction(round(value * 10**_PLACES), 10**_PLACES)
    return value.numerator if value.denominator == 1 else value


def round_half_up(value: Number, places: int = 0) -> Number:
    """Return ``value`` rounded to ``places`` decimal places, halves away from zero."""
    if places:
        scale = Fraction(10) ** places
        rounded = Fraction(round_half_up(Fraction(value) * scale)) / scale
        return rounded.numerator if rounded.denominator == 1 else rounded
    exact = value if value.__class__ is Fraction else Fraction(value)
    whole = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return whole if exact.numerator >= 0 else -whole


def text_of(value: Number) -> str:
    """Return ``value`` as plain decimal text, with at most six decimal places."""
    rounded = Fraction(round_half_up(value, _SHOWN_PLACES))
    whole, rest = divmod(abs(rounded.numerator), rounded.denominator)
    digits = f"{int(Fraction(rest, rounded.denominator) * 10**_SHOWN_PLACES):0{_SHOWN_PLACES}}".rstrip("0")
    return f"{'-' if rounded < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def _limited(value: int) -> int | None:
    return value if -LARGEST <= value <= LARGEST else None
