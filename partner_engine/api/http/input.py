"""Request bodies and query parameters as structs that refuse every unknown field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final, TypeVar

import msgspec

from partner_engine.problems import MOST_FAULTS, Fault, Refused
from presentation.shape_faults import KINDS, Reading, core_type, faults_of, fields_of
from presentation.strict_json import JsonValue

T = TypeVar("T")

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")
_BOOLEANS: Final = frozenset({"true", "false"})
_YEAR: Final = re.compile(r"[0-9]{4}-")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body."""


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a request."""


class Nothing(Body, frozen=True, kw_only=True):
    """No body, or an empty object."""


class NoQuery(Query, frozen=True, kw_only=True):
    """No query parameters."""


def read_body(value: JsonValue, type_: type[T]) -> T:
    """Return ``value`` as the struct ``type_``. Raises ``Refused`` (422) with all faults and their pointers."""
    try:
        return in_utc(msgspec.convert(value, type_))
    except msgspec.ValidationError as error:
        raise _refused(422, "invalid_body", "The body is invalid", faults_of(value, type_)) from error


def read_query(parameters: Mapping[str, Sequence[str]], type_: type[T]) -> T:
    """Return query ``parameters`` (name -> values) as ``type_``.

    Raises ``Refused`` (400) with all faults: unknown and repeated names are refused, never ignored.
    """
    values: dict[str, object] = {name: values[0] for name, values in parameters.items()}
    faults = [fault for name, texts in parameters.items() if (fault := _text_fault(name, texts, type_))]
    refused = {fault.path for fault in faults}
    if not faults:
        try:
            return in_utc(msgspec.convert(values, type_, strict=False))
        except msgspec.ValidationError:
            pass
    others = {name: value for name, value in values.items() if name not in refused}
    shape = (
        msgspec.structs.replace(fault, pointer="", path=_name_of(fault))
        for fault in faults_of(others, type_, reading=Reading(strict=False, noun="parameter"))
    )
    # A parameter that was refused already is not missing.
    faults += [fault for fault in shape if fault.path not in refused]
    raise _refused(400, "invalid_query", "The query is invalid", faults)


def in_utc(struct: T) -> T:
    """Return ``struct`` with its times in UTC: PostgreSQL refuses offsets of 16 hours and more."""
    times = {
        name: utc(value)
        for name in getattr(struct, "__struct_fields__", ())
        if isinstance(value := getattr(struct, name), datetime)
    }
    return msgspec.structs.replace(struct, **times) if times else struct  # type: ignore[type-var]


def utc(moment: datetime) -> datetime:
    """Return ``moment`` in UTC; at the ends of the calendar the first or last moment that there is."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def _text_fault(name: str, texts: Sequence[str], type_: type) -> Fault | None:
    """Return the fault of a parameter as text; lenient conversion would take ``null`` as absent, ``1.0`` as 1, ``1`` as
    true, and a number as the seconds since 1970.
    """
    if len(texts) > 1:
        return Fault(path=name, code="duplicate_parameter", detail=f"{name[:80]!r} is sent twice.")
    if "\0" in texts[0]:
        return Fault(path=name, code="nul_character", detail=f"{name[:80]!r} contains the character NUL.")
    field = fields_of(type_).get(name)
    kind = core_type(field.type) if field else str
    if kind is str:
        return None
    if texts[0].lower() == "null":
        return Fault(path=name, code="invalid_value", detail="Leave the parameter out instead of sending null.")
    if kind is bool and texts[0] not in _BOOLEANS:
        return Fault(path=name, code="wrong_type", detail="Must be true or false, in small letters.")
    if kind is int and not _WHOLE.fullmatch(texts[0]):
        return Fault(path=name, code="wrong_type", detail="Must be a whole number.")
    if kind is datetime and not _YEAR.match(texts[0]):
        return Fault(path=name, code="invalid_value", detail=f"Must be {KINDS[datetime]}.")
    return None


def _name_of(fault: Fault) -> str:
    return fault.pointer.lstrip("/").replace("~1", "/").replace("~0", "~")


def _refused(status: int, code: str, text: str, faults: Iterable[Fault]) -> Refused:
    """Return the refusal with the first faults; the others are only counted."""
    remaining = iter(faults)
    told = list(islice(remaining, MOST_FAULTS))
    more = sum(1 for _ in remaining)
    if len(told) == 1:
        detail = f"{text}: {told[0].detail}"
    else:
        detail = f"{text}: {len(told) + more} fields have errors."
    return Refused(status, code, detail, faults=told, more=more)
