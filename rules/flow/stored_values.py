"""Turns values of rules into their stored form. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from rules.definition.model import CompiledCatalogue, CompiledDerived
from rules.language import numbers
from rules.language.values import Value


def plain(value: Value) -> str | int | float | bool | list[str] | None:
    """Return a known value as it is stored and shown: dates as ISO 8601 text, numbers that JSON clients cannot hold
    (beyond 2^53) as decimal text.
    """
    if isinstance(value, date):
        return value.isoformat()
    if value.__class__ in numbers.CLASSES:
        return _plain_number(value)
    return value if isinstance(value, str | int | bool | list) else None


def stored_derived(
    catalogue: CompiledCatalogue, part: CompiledDerived, value: Value, *, sealed: frozenset[str]
) -> str | int | float | bool | None:
    """Return a derived value as it is stored with the evaluation; None for one made of secret answers, which would be
    stored in plain text: of questions that are secret today, or of ``sealed`` codes.
    """
    is_secret = part.tag == "spi" or bool(sealed & part.questions)
    return None if is_secret else plain(value)  # type: ignore[return-value]  # no derived value is a list


def _plain_number(value: int | Decimal | Fraction) -> str | int | float:
    if not -numbers.SAFE <= value <= numbers.SAFE:
        return numbers.text_of(value)
    return value if isinstance(value, int) else float(value)
