"""Reads a stored answer as a value for rules: numbers exact, dates as dates. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from rules.language.kinds import DATE, NUMBER, TEXT, TEXTS, TRUTH, Kind
from rules.language.operators import exact
from rules.language.values import Value

#: The code of an answer's fault that its question has another type now.
WRONG_TYPE: Final = "wrong_type"


class WrongValue(ValueError):
    """A stored value does not fit its question, as after a release that changed the question's type."""


def _number(raw: object) -> Value:
    if raw.__class__ is int:
        return raw
    if raw.__class__ is float and math.isfinite(raw):
        return exact(raw)
    raise WrongValue


def _text(raw: object) -> Value:
    if raw.__class__ is not str:
        raise WrongValue
    return raw


def _truth(raw: object) -> Value:
    if raw.__class__ is not bool:
        raise WrongValue
    return raw


def _date(raw: object) -> Value:
    if raw.__class__ is not str:
        raise WrongValue
    try:
        return date.fromisoformat(raw)
    except ValueError as error:
        raise WrongValue from error


def _texts(raw: object) -> Value:
    if raw.__class__ is not list or any(item.__class__ is not str for item in raw):
        raise WrongValue
    return raw


#: How a stored answer becomes a value, by kind; each raises ``WrongValue``.
READERS: Final[dict[Kind, Callable[[object], Value]]] = {
    NUMBER: _number,
    TEXT: _text,
    TRUTH: _truth,
    DATE: _date,
    TEXTS: _texts,
}


def plain(value: Value) -> str | int | float | bool | list[str] | None:
    """Return a known value as it is stored and shown: dates as ISO 8601 text, Decimals as floats."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1000:
        return None
    return value if isinstance(value, str | int | bool | list) else None
