"""Reads a stored answer as a value for rules: numbers exact, dates as dates. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Final

from rules.language.kinds import DATE, NUMBER, TEXT, TEXTS, TRUTH, Kind
from rules.language.operators import exact
from rules.language.values import Value

#: The code of the error that an answer gets when a later release changed its question's type.
WRONG_TYPE: Final = "wrong_type"


class TypeMismatch(ValueError):
    """A stored answer does not fit its question's type, for example after a release that changed the type."""


def _number(stored: object) -> Value:
    if stored.__class__ is int:
        return stored
    if stored.__class__ is float and math.isfinite(stored):
        return exact(stored)
    raise TypeMismatch


def _text(stored: object) -> Value:
    if stored.__class__ is not str:
        raise TypeMismatch
    return stored


def _truth(stored: object) -> Value:
    if stored.__class__ is not bool:
        raise TypeMismatch
    return stored


def _date(stored: object) -> Value:
    if stored.__class__ is not str:
        raise TypeMismatch
    try:
        return date.fromisoformat(stored)
    except ValueError as error:
        raise TypeMismatch from error


def _texts(stored: object) -> Value:
    if stored.__class__ is not list or any(item.__class__ is not str for item in stored):
        raise TypeMismatch
    return stored


#: The function that reads a stored answer, by the kind of its question; each raises ``TypeMismatch``.
READERS: Final[dict[Kind, Callable[[object], Value]]] = {
    NUMBER: _number,
    TEXT: _text,
    TRUTH: _truth,
    DATE: _date,
    TEXTS: _texts,
}
