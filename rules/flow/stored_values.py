"""Turns values of rules into their stored form. Pure."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

from rules.definition.model import CompiledDerived
from rules.language.values import Value


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


def stored_derived(part: CompiledDerived, value: Value) -> str | int | float | bool | None:
    """Return a derived value as it is stored with the evaluation; None for one made of secret answers, which would be
    stored in plain text.
    """
    return None if part.tag == "spi" else plain(value)  # type: ignore[return-value]  # no derived value is a list
