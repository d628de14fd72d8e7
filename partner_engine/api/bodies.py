"""What the API takes: request bodies and query parameters as structs that refuse every field they do not know. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from forms.states import State
from partner_engine.api.http.strict_json import JsonValue, join_pointer
from partner_engine.problems import Fault, Refused

T = TypeVar("T")

_PLACE: Final = re.compile(r"^(?P<text>.*?)(?: - at (?:`key` in )?`\$?(?P<place>[^`]*)`)?$", re.DOTALL)
_FIELD: Final = re.compile(r"unknown field `(?P<unknown>[^`]*)`|missing required field `(?P<missing>[^`]*)`")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")

Title = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(max_length=64)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body."""


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a request."""


class Nothing(Body, frozen=True, kw_only=True):
    """No body, or an empty object."""


class NoQuery(Query, frozen=True, kw_only=True):
    """No query parameters."""


class RowInput(Body, frozen=True, kw_only=True):
    """A row: without ``id`` a new one; with it a change of that row, or its end with ``delete`` true. The batch checks
    it, so that all faults are told at once.
    """

    id: str | UnsetType = UNSET
    answers: dict[str, str | float | bool | list[str] | None] | UnsetType = UNSET
    answer_pools: dict[str, list[RowInput]] | UnsetType = UNSET
    delete: Literal[True] | UnsetType = UNSET


class NewForm(Body, frozen=True, kw_only=True):
    """A new application form.

    ``as_of`` (right ``forms:as_of``) is the evaluation date; without it today at the tenant. ``catalogue`` defaults to
    the tenant's.
    """

    answers: dict[str, Any] = {}
    answer_pools: dict[str, Any] = {}
    title: Title = ""
    as_of: date | None = None
    catalogue: Code | None = None


class NewCopy(Body, frozen=True, kw_only=True):
    """A new copy of a form. ``from_copy`` names the copy to start from; without it the one that the form's id means."""

    title: Title = ""
    from_copy: Annotated[str, Meta(max_length=64)] | None = None


class CopyChange(Body, frozen=True, kw_only=True):
    """What of a copy itself can be changed."""

    title: Title


class AnswersChange(Body, frozen=True, kw_only=True):
    """Many answers and rows in one save. A null value clears the answer."""

    answers: dict[str, Any] = {}
    answer_pools: dict[str, Any] = {}


class RevealInput(Body, frozen=True, kw_only=True):
    """Which sensitive answer to reveal, and why; the reason is kept in the audit trail."""

    path: Annotated[str, Meta(min_length=1, max_length=500)]
    reason: Annotated[str, Meta(min_length=5, max_length=500)]


class ReadQuery(Query, frozen=True, kw_only=True):
    """A copy as it stood: at a version, or at a moment (ISO 8601 with offset)."""

    at_version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None


class DryRunQuery(Query, frozen=True, kw_only=True):
    """``dry_run=true`` tells what the request would do and does nothing."""

    dry_run: bool = False


class ChangesQuery(Query, frozen=True, kw_only=True):
    """All changes after version ``since``."""

    since: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class PageQuery(Query, frozen=True, kw_only=True):
    """A page of what a copy has, the newest first."""

    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class ExplainQuery(ReadQuery, frozen=True, kw_only=True):
    """What to explain: a product, question path, question set, derived value, message or premium."""

    target: Annotated[str, Meta(min_length=1, max_length=300)]


class CatalogueQuery(Query, frozen=True, kw_only=True):
    """Which catalogue; without ``code`` the tenant's."""

    code: Code = ""


class FormsQuery(Query, frozen=True, kw_only=True):
    """Filters, search, order and page of the list of forms."""

    q: Annotated[str, Meta(max_length=200)] = ""
    state: State | None = None
    line: Code = ""
    owner: Annotated[str, Meta(max_length=64)] = ""
    updated_since: Annotated[datetime, Meta(tz=True)] | None = None
    deleted: bool = False
    order: Literal["last_touched", "-last_touched", "created", "-created"] = "-last_touched"
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class SearchQuery(Query, frozen=True, kw_only=True):
    """What to search for, filters and page."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]
    state: State | None = None
    line: Code = ""
    owner: Annotated[str, Meta(max_length=64)] = ""
    updated_since: Annotated[datetime, Meta(tz=True)] | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class NaicsQuery(Query, frozen=True, kw_only=True):
    """Words or the beginning of a code; ``zip`` (five digits) and ``employees`` rank."""

    q: Annotated[str, Meta(min_length=1, max_length=100)]
    zip: Annotated[str, Meta(pattern=r"^([0-9]{5})?$")] = ""
    employees: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None


def read_body(value: JsonValue, type_: type[T]) -> T:
    """Return ``value`` as the struct ``type_``. Raises ``Refused`` (422) with the place of the fault."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        fault = _fault(error)
        raise Refused(
            422, "invalid_body", f"The body is not as it should be: {fault.detail}", faults=[fault]
        ) from error


def read_query(parameters: Mapping[str, Sequence[str]], type_: type[T]) -> T:
    """Return query ``parameters`` (name -> values) as ``type_``.

    Raises ``Refused`` (400): an unknown name or a doubled one is refused, never ignored.
    """
    for name, values in parameters.items():
        if len(values) > 1:
            raise _invalid_query(Fault(path=name, code="duplicate_parameter", detail=f"{name!r} is given twice."))
        if "\0" in values[0]:
            raise _invalid_query(Fault(path=name, code="nul_character", detail=f"{name!r} holds the character NUL."))
    try:
        return msgspec.convert({name: values[0] for name, values in parameters.items()}, type_, strict=False)
    except msgspec.ValidationError as error:
        fault = _fault(error)
        raise _invalid_query(msgspec.structs.replace(fault, pointer="", path=fault.pointer.lstrip("/"))) from error


def _invalid_query(fault: Fault) -> Refused:
    return Refused(400, "invalid_query", f"The query is not as it should be: {fault.detail}", faults=[fault])


def _fault(error: msgspec.ValidationError) -> Fault:
    """Read msgspec's sentence, ``Expected `int`, got `str` - at `$.since` ``, into a fault."""
    match = _PLACE.match(str(error))
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
