"""The OpenAPI description, generated from the structs of requests and responses, so that it cannot differ from the
code; and the parsing of those structs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import DJANGO_PATH_CONVERTER_MAPPING
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from partner_engine.api.http.description import JSON, NOTE
from partner_engine.api.http.idempotency import refuse_key
from partner_engine.api.http.input import NoQuery, Nothing
from partner_engine.api.http.many import MOST_BODIES, respond_to_each
from partner_engine.api.http.schema_components import reference, selected_reference
from partner_engine.api.http.selection import PARAMETER, Fields, read_selection
from partner_engine.api.http.upload import FILE, MULTIPART
from partner_engine.problems import Refused, combined
from tenants.access import RIGHT_TEXTS

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Download:
    """A response that is a file, of one of several media types."""

    media_types: tuple[str, ...]


#: A response's struct, or several of which it is one, or a file.
Shape = type[msgspec.Struct] | tuple[type[msgspec.Struct], ...] | Download
Schema = dict[str, Any]

# Our converter of ids (partner_engine.id_converter) is described as Django's is.
DJANGO_PATH_CONVERTER_MAPPING["id"] = DJANGO_PATH_CONVERTER_MAPPING["uuid"]
_FILE: Final[Schema] = {"type": "string", "format": "binary"}


class Documentation(NamedTuple):
    """The texts of an operation."""

    operation_id: str
    summary: str
    description: str


#: The problems of every operation, of every write, and of temporary failures.
ALWAYS: Final = (400, 401, 403, 404, 406)
WRITING: Final = (409, 412, 413, 415, 422, 423)
LATER: Final = (429, 500, 503)


def documented(  # noqa: PLR0913 - one argument for each part of the description
    summary: str,
    description: str,
    *,
    responses: Mapping[int, Shape | None],
    query: type[msgspec.Struct] = NoQuery,
    body: type[msgspec.Struct] | None = None,
    files: Sequence[str] = (),
    write: bool = False,
    keyed: bool = True,
    tagged: bool = False,
    refuses: Sequence[int] = (),
    selects: bool = True,
    many: bool = False,
    makes_copy: bool = False,
) -> Callable[[View], View]:
    """Describe an operation, and parse its query and body.

    The view receives the struct ``query`` as the argument ``query`` unless it is ``NoQuery``, and the struct ``body``
    as the argument ``body`` unless it is ``Nothing`` or None; either way unknown parameters and fields are refused.
    ``responses`` maps statuses to structs, or to several of which a response has one. ``write``, ``keyed`` and
    ``tagged`` state which headers the operation uses. ``files`` are the media types of a body that is a file.
    ``refuses`` are statuses of problems besides those of every read or write. Readers select fields (``?fields=``)
    unless the response is a file (``selects`` is false). ``many``: a list of bodies is accepted too.
    ``makes_copy``: the response has the entity tag of a new copy.
    """
    operation_id = re.sub(r"[^a-z]+", "_", summary.lower())
    read = () if write or body or files or not selects else _several(responses.get(200) or ())
    reading = Parsing(_selecting(query) if read else query, body, takes_key=keyed or not write, read=read, many=many)
    describe = extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description,
        request={JSON: _body(body, many=many)} if body else _uploads(files, reading.query) or None,
        parameters=_query_parameters(reading.query),
        responses=_responses(responses, selects=bool(read)),
        extensions={
            NOTE: {
                "problems": sorted({*ALWAYS, *(WRITING if write else ()), *LATER, *refuses}),
                "headers": _response_headers(responses, write and keyed, tagged=tagged, makes_copy=makes_copy),
                "parameters": _request_headers(responses, write=write, keyed=keyed, tagged=tagged),
                "requires_body": bool(files) or many or _requires_body(body),
            }
        },
    )

    def decorate(view: View) -> View:
        described: View = describe(_parsing(view, reading))
        described.documentation = Documentation(operation_id, summary, description)  # type: ignore[attr-defined]
        return described

    return decorate


def documentation_of(view: View) -> Documentation:
    """Return the texts with which ``view`` is documented."""
    found: Documentation = view.documentation  # type: ignore[attr-defined]
    return found


class Parsing(NamedTuple):
    """How the request of an operation is parsed: the structs of its query and body, whether it takes a key, and of a
    read the structs of its response, of which readers can select fields; ``many``: a list of bodies is accepted too.
    """

    query: type[msgspec.Struct]
    body: type[msgspec.Struct] | None
    takes_key: bool
    read: tuple[type[msgspec.Struct], ...]
    many: bool


def _selecting(query: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return ``query`` with the parameter that selects fields."""
    own = [(PARAMETER, Fields, "")]
    return msgspec.defstruct(query.__name__, own, bases=(query,), frozen=True, kw_only=True)


def _parsing(view: View, reading: Parsing) -> View:
    """Return ``view`` with its query and body parsed. Raises ``Refused`` with the faults of both."""
    is_query_passed = bool(set(reading.query.__struct_fields__) - {PARAMETER})
    is_body_passed = reading.body not in (None, Nothing)

    @wraps(view)
    def parsed(endpoint: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not reading.takes_key:
            refuse_key(endpoint.request)
        if reading.many and isinstance(bodies := endpoint.parsed_body(), list):
            return respond_to_each(endpoint, bodies, lambda: one(endpoint, *args, **kwargs))
        return one(endpoint, *args, **kwargs)

    def one(endpoint: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        query, body = _read(endpoint, reading, kwargs)
        passed = {**({"query": query} if is_query_passed else {}), **({"body": body} if is_body_passed else {})}
        return view(endpoint, *args, **kwargs, **passed)

    return parsed


def _read(endpoint: Any, reading: Parsing, places: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the query and the body of a request. ``places`` are the parts of its address.

    Raises ``Refused`` with the faults of both, and of an endpoint with answers those of the answers too.
    """
    refusals: list[Refused] = []
    query = body = None
    try:
        query = endpoint.query(reading.query)
        if reading.read:
            endpoint.selection = read_selection(getattr(query, PARAMETER), reading.read)
    except Refused as refused:
        refusals.append(refused)
    if reading.body is not None:
        try:
            body = endpoint.body(reading.body)
        except Refused as refused:
            refusals.append(refused)
    if refusals:
        if endpoint.has_read_body:
            refusals.extend(endpoint.refusals_of_answers(**places))
        raise combined(refusals)
    return query, body


def _requires_body(body: type[msgspec.Struct] | None) -> bool:
    """Return whether a body has fields without which it is refused."""
    return body is not None and any(field.required for field in msgspec.structs.fields(body))


def _request_headers(responses: Mapping[int, object], *, write: bool, keyed: bool, tagged: bool) -> list[str]:
    """Return the names of the components of the headers that the operation reads."""
    used = [
        ("IdempotencyKey", write and keyed),
        ("IfMatch", write and tagged),
        ("SocketId", write and tagged),
        ("IfNoneMatch", 304 in responses),
    ]
    return [header for header, is_used in used if is_used]


def _response_headers(
    responses: Mapping[int, object], is_keyed: bool, *, tagged: bool, makes_copy: bool
) -> dict[str, list[int]]:
    """Return the headers of the operation's responses, each with the statuses that have it."""
    used = {
        "ETag": tagged or makes_copy or 304 in responses,
        "Idempotent-Replayed": is_keyed,
        "X-Lock": is_keyed and tagged,
    }
    statuses = [status for status in responses if status != HTTPStatus.MULTI_STATUS]
    sent = {header: statuses for header, is_used in used.items() if is_used}
    return {**sent, "Location": [201]} if 201 in responses and is_keyed else sent


def canonical_only(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leave out the paths with a trailing slash, which are served too (a preprocessing hook)."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


class BearerScheme(OpenApiAuthenticationExtension):
    """Describes the tokens of API clients; each operation names the scope that it requires."""

    target_class = "partner_engine.api.http.authentication.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        """Describe how to request a token."""
        flow = {"tokenUrl": "/o/token/", "scopes": {right.value: text for right, text in RIGHT_TEXTS.items()}}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}

    def get_security_requirement(self, auto_schema: Any) -> Schema:
        """Name the right that the operation requires."""
        right = auto_schema.view.rights.get(auto_schema.method)
        return {self.name: [right.value] if right else []}


class SessionScheme(OpenApiAuthenticationExtension):
    """Describes the sessions of signed-in agents."""

    target_class = "partner_engine.api.http.authentication.AgentSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        """Describe the session's cookie."""
        text = "An agent's session; writes require the header `X-CSRFToken` too."
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME, "description": text}


def _responses(responses: Mapping[int, Shape | None], *, selects: bool) -> dict[Any, OpenApiResponse]:
    """Return the described responses by status, or by status and media type."""
    described: dict[Any, OpenApiResponse] = {}
    for status, shape in responses.items():
        if isinstance(shape, Download):
            file = OpenApiResponse(_FILE, description=HTTPStatus(status).phrase)
            described.update(((status, media_type), file) for media_type in shape.media_types)
        else:
            described[(status, JSON) if shape else status] = _response(
                status, shape, selects=selects and status == HTTPStatus.OK
            )
    return described


def _response(status: int, shape: Shape | None, *, selects: bool) -> OpenApiResponse:
    phrase = HTTPStatus(status).phrase
    if shape is None:
        return OpenApiResponse(description=phrase)
    # A caller that tries one shape after the other must not stop at one that has only a part of the fields.
    shapes = sorted(_several(shape), key=lambda one: -len(one.__struct_fields__))
    # Of a single struct its schema has the words.
    texts = [_first_sentence(one.__doc__ or phrase) for one in shapes] if len(shapes) > 1 else [phrase]
    references = [reference(one) for one in shapes]
    if selects:
        # Last: a caller that tries one after the other gets the whole shape where all of it is there.
        references.append(selected_reference())
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return OpenApiResponse(schema, description=" Or: ".join(texts).replace("``", "`"))


def _first_sentence(text: str) -> str:
    """Return the first sentence of ``text``; the schema has all of them."""
    return " ".join(text.split()).partition(". ")[0].rstrip(".") + "."


def _body(shape: type[msgspec.Struct], *, many: bool) -> Schema:
    """Return the schema of a body, with ``many`` of one or of a list."""
    one = reference(shape)
    return {"oneOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_BODIES}]} if many else one


def _uploads(files: Sequence[str], query: type[msgspec.Struct]) -> dict[str, Schema]:
    """Return the schemas of a body that is a file by its media types; in a form the parameters can be parts too."""
    texts = {name: {"type": "string"} for name in query.__struct_fields__}
    form = {
        "type": "object",
        "properties": {FILE: _FILE, **texts},
        "required": [FILE],
        "additionalProperties": False,
    }
    return {media_type: form if media_type == MULTIPART else _FILE for media_type in files}


def _several(shape: Shape | tuple[()]) -> tuple[type[msgspec.Struct], ...]:
    """Return the structs of a response, none of a file."""
    if isinstance(shape, Download):
        return ()
    return shape if isinstance(shape, tuple) else (shape,)


def _query_parameters(query: type[msgspec.Struct]) -> list[OpenApiParameter]:
    schema = msgspec.json.schema(query)["$defs"][query.__name__]
    required = schema.get("required", [])
    return [
        OpenApiParameter(name, _without_null(property_), OpenApiParameter.QUERY, required=name in required)
        for name, property_ in schema["properties"].items()
    ]


def _without_null(schema: Schema) -> Schema:
    """Return ``schema`` without null: a query parameter is left out instead."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if not options:
        return schema
    return options[0] if len(options) == 1 else {"anyOf": options}
