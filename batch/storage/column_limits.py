"""Checks values against the limits of their columns before anything is sent, in jobs as at the API."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.db import models

from batch.errors import WrongValue


def require_storable(model: type[models.Model], row: Mapping[str, Any]) -> None:
    """Raise ``WrongValue`` for a value of ``row`` (columns of ``model``) that its column cannot store: too long a text,
    a number out of range, a NUL character, half a surrogate pair, NaN.
    """
    most = _bounds(model)
    for name, value in row.items():
        if value is None:
            continue
        for part in (value,) if isinstance(value, str) else _parts(value):
            if isinstance(part, str):
                _require_text(name, part)
            elif isinstance(part, float) and not math.isfinite(part):
                raise WrongValue(name, "a number has to be finite")
        bound = most.get(name)
        if bound is None:
            continue
        if isinstance(value, str) and len(value) > bound:
            raise WrongValue(name, f"at most {bound} characters are stored")
        if isinstance(value, int) and not -bound - 1 <= value <= bound:
            raise WrongValue(name, f"at most {bound} can be stored")


def _require_text(name: str, text: str) -> None:
    if "\0" in text:
        raise WrongValue(name, "a text holds no NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WrongValue(name, "a text is valid Unicode") from error


def _parts(value: Any) -> Iterator[Any]:
    """Yield ``value`` and all values and keys inside it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _parts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _parts(inner)
    else:
        yield value


@cache
def _bounds(model: type[models.Model]) -> dict[str, int]:
    """Return the largest length of texts and the largest numbers, by column."""
    found: dict[str, int] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.CharField) and field.max_length:
            found[field.attname] = field.max_length
        elif isinstance(field, models.SmallIntegerField):
            found[field.attname] = 2**15 - 1
        elif isinstance(field, models.BigIntegerField):
            found[field.attname] = 2**63 - 1
        elif isinstance(field, models.IntegerField):
            found[field.attname] = 2**31 - 1
    return found
