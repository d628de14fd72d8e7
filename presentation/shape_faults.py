"""All faults of a body, query or item against its struct, each with a pointer and a sentence. Pure.

msgspec stops at the first fault and words it for programmers; this is read only once it has refused a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UnsetType
from msgspec.structs import FieldInfo

from presentation.faults import MOST_FAULTS, Fault, join_pointer
from rules.nearest import nearest

#: The sentences for msgspec's limits.
_LIMITS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"Expected `(?:int|float)[^`]*` >= (\S+)"), "Must be at least {}."),
    (re.compile(r"Expected `(?:int|float)[^`]*` <= (\S+)"), "Must be at most {}."),
    (re.compile(r"Expected `(?:str|array|object)[^`]*` of length >= 1\b"), "Must not be empty."),
    (re.compile(r"Expected `str[^`]*` of length >= (\d+)"), "Must have at least {} characters."),
    (re.compile(r"Expected `str[^`]*` of length <= (\d+)"), "Must have at most {} characters."),
    (re.compile(r"Expected `(?:array|object)[^`]*` of length >= (\d+)"), "Must have at least {} entries."),
    (re.compile(r"Expected `(?:array|object)[^`]*` of length <= (\d+)"), "Must have at most {} entries."),
    (re.compile(r"Expected `str[^`]*` matching regex"), "Does not have the required form."),
    (re.compile(r"Expected `datetime[^`]*` with a timezone"), "Must have an offset, such as 2026-06-01T12:00:00Z."),
)
#: What a value of a type is called in a fault.
KINDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    datetime: "a time with its offset, such as 2026-06-01T12:00:00Z",
    date: "a date such as 2026-06-01",
    UUID: "an ID (UUID)",
    list: "a list",
    dict: "an object",
}


class Reading(NamedTuple):
    """How values are read: ``strict`` as JSON, else from texts; ``noun`` is what their names are called."""

    strict: bool = True
    noun: str = "field"


JSON: Final = Reading()


def faults_of(value: object, type_: Any, *, reading: Reading = JSON, pointer: str = "") -> Iterator[Fault]:
    """Yield every fault of ``value`` as a ``type_``; at least one if the conversion fails."""
    try:
        msgspec.convert(value, type_, strict=reading.strict)
    except msgspec.ValidationError as error:
        below = _below(value, core_type(type_), reading, pointer)
        first = next(below, None)
        if first is None:
            yield _own_fault(value, core_type(type_), error, pointer)
        else:
            yield first
            yield from below


@cache
def fields_of(type_: type) -> Mapping[str, FieldInfo]:
    """Return the fields of a struct by the name in JSON."""
    return {field.encode_name: field for field in msgspec.structs.fields(type_)}


def core_type(type_: Any) -> Any:
    """Return a type without its limits and without the option of being null or absent."""
    while get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    if get_origin(type_) in (Union, UnionType):
        options = [option for option in get_args(type_) if option not in (NoneType, UnsetType)]
        return core_type(options[0]) if len(options) == 1 else type_
    return type_


def _below(value: object, type_: Any, reading: Reading, pointer: str) -> Iterator[Fault]:
    """Yield the faults of the parts of ``value``; none if it is no container, or its parts are right."""
    origin, arguments = get_origin(type_) or type_, get_args(type_)
    if isinstance(value, Mapping) and isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        yield from _in_struct(value, origin, reading, pointer)
    elif origin is list and isinstance(value, list) and arguments:
        for place, item in enumerate(value):
            yield from faults_of(item, arguments[0], reading=reading, pointer=join_pointer(pointer, place))
    elif origin is dict and isinstance(value, Mapping) and arguments:
        for key, item in value.items():
            for part, part_type in zip((key, item), arguments, strict=True):
                yield from faults_of(part, part_type, reading=reading, pointer=join_pointer(pointer, key))


def _in_struct(
    value: Mapping[str, object], type_: type[msgspec.Struct], reading: Reading, pointer: str
) -> Iterator[Fault]:  # fmt: skip
    fields, unknown = fields_of(type_), 0
    for name, item in value.items():
        if name in fields:
            yield from faults_of(item, fields[name].type, reading=reading, pointer=join_pointer(pointer, name))
        else:
            # What is only counted in the end needs no suggestion.
            unknown += 1
            known = list(fields) if unknown <= MOST_FAULTS else []
            yield _unknown_name(name, known, reading, pointer)
    for name, field in fields.items():
        if field.required and name not in value:
            detail = f"The {reading.noun} {name!r} is missing."
            yield Fault(pointer=join_pointer(pointer, name), code="missing_field", detail=detail)


def _unknown_name(name: str, known: list[str], reading: Reading, pointer: str) -> Fault:
    shown = name if len(name) <= 80 else name[:80] + "..."
    return Fault(
        pointer=join_pointer(pointer, shown),
        code="unknown_field",
        detail=f"There is no {reading.noun} {shown!r} here.",
        did_you_mean=(nearest(name, known) if known else "") or msgspec.UNSET,
        allowed=known,
    )


def _own_fault(value: object, type_: Any, error: msgspec.ValidationError, pointer: str) -> Fault:
    """Return the fault of a value that is wrong as a whole."""
    for pattern, sentence in _LIMITS:
        match = pattern.match(str(error))
        if match:
            return Fault(pointer=pointer, code="invalid_value", detail=sentence.format(*match.groups()))
    if get_origin(type_) is Literal:
        known = [str(option) for option in get_args(type_)]
        return Fault(
            pointer=pointer,
            code="invalid_value" if isinstance(value, str) else "wrong_type",
            detail=f"Must be one of: {', '.join(known)}." if known else "Is not valid.",
            did_you_mean=nearest(value, known) or msgspec.UNSET,
            allowed=known,
        )
    kind = KINDS.get(get_origin(type_) or type_, "an object")
    is_type = ", got `" in str(error)
    return Fault(pointer=pointer, code="wrong_type" if is_type else "invalid_value", detail=f"Must be {kind}.")
