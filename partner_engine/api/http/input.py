"""Request bodies and query parameters as structs that refuse every unknown field. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from partner_engine.api.http.strict_json import JsonValue, join_pointer
from partner_engine.problems import Fault, Refused

T = TypeVar("T")

#: The parts of msgspec's messages.
_SENTENCE: Final = re.compile(r"^(?P<text>.*?)(?: - at (?:`key` in )?`\$?(?P<place>[^`]*)`)?$", re.DOTALL)
_FIELD: Final = re.compile(r"unknown field `(?P<unknown>[^`]*)`|missing required field `(?P<missing>[^`]*)`")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body."""


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a request."""


class Nothing(Body, frozen=True, kw_only=True):
    """No body, or an empty object."""


class NoQuery(Query, frozen=True, kw_only=True):
    """No query parameters."""


def read_body(value: JsonValue, type_: type[T]) -> T:
    """Return ``value`` as the struct ``type_``. Raises ``Refused`` (422) with a pointer to the error."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        fault = _fault(error)
        raise Refused(422, "invalid_body", f"The body is invalid: {fault.detail}", faults=[fault]) from error


def read_query(parameters: Mapping[str, Sequence[str]], type_: type[T]) -> T:
    """Return query ``parameters`` (name -> values) as ``type_``.

    Raises ``Refused`` (400): unknown and repeated names are refused, never ignored.
    """
    for name, values in parameters.items():
        if len(values) > 1:
            raise _invalid_query(Fault(path=name, code="duplicate_parameter", detail=f"{name!r} is sent twice."))
        if "\0" in values[0]:
            raise _invalid_query(Fault(path=name, code="nul_character", detail=f"{name!r} contains the character NUL."))
    try:
        return msgspec.convert({name: values[0] for name, values in parameters.items()}, type_, strict=False)
    except msgspec.ValidationError as error:
        fault = _fault(error)
        raise _invalid_query(msgspec.structs.replace(fault, pointer="", path=fault.pointer.lstrip("/"))) from error


def _invalid_query(fault: Fault) -> Refused:
    return Refused(400, "invalid_query", f"The query is invalid: {fault.detail}", faults=[fault])


def _fault(error: msgspec.ValidationError) -> Fault:
    """Parse msgspec's sentence, such as ``Expected `int`, got `str` - at `$.since` ``, into an error with a pointer."""
    match = _SENTENCE.match(str(error))
    text, place = (match["text"], match["place"] or "") if match else (str(error), "")
    pointer = join_pointer("", *(name or index for name, index in _STEP.findall(place)))
    field = _FIELD.search(text)
    if field and field["unknown"] is not None:
        return Fault(
            pointer=join_pointer(pointer, field["unknown"]),
            code="unknown_field",
            detail=f"There is no field {field['unknown']!r} here.",
        )
    if field:
        return Fault(
            pointer=join_pointer(pointer, field["missing"]),
            code="missing_field",
            detail=f"The field {field['missing']!r} is missing.",
        )
    code = "wrong_type" if text.startswith("Expected `") and ", got `" in text else "invalid_value"
    return Fault(pointer=pointer, code=code, detail=f"{text.replace('`', chr(39))}.")
