"""The OpenAPI description, generated from the structs of requests and responses, so that it cannot differ from the
code; and the parsing of those structs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import DJANGO_PATH_CONVERTER_MAPPING
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from partner_engine.api.http.idempotency import refuse_key
from partner_engine.api.http.input import NoQuery, Nothing
from partner_engine.api.http.schema_examples import EXAMPLES
from partner_engine.problems import MEDIA_TYPE as PROBLEM_TYPE
from partner_engine.problems import Problem
from tenants.access import RIGHT_TEXTS

View = Callable[..., HttpResponseBase]
#: A response's struct, or several of which it is one.
Shape = type[msgspec.Struct] | tuple[type[msgspec.Struct], ...]
Schema = dict[str, Any]

JSON: Final = "application/json"
# Our converter of ids (partner_engine.id_converter) is described as Django's is.
DJANGO_PATH_CONVERTER_MAPPING["id"] = DJANGO_PATH_CONVERTER_MAPPING["uuid"]
REF_TEMPLATE: Final = "#/components/schemas/{name}"
_FILE: Final[Schema] = {"type": "string", "format": "binary"}
#: Every struct of a request or response, collected as the views are defined.
_described: dict[str, type[msgspec.Struct]] = {"Problem": Problem}


class Documentation(NamedTuple):
    """The texts of an operation."""

    operation_id: str
    summary: str
    description: str


#: The problems of every operation, of every write, and of temporary failures.
ALWAYS: Final = {
    400: "The query, a header or the JSON is malformed.",
    401: "The request has no credentials, or they are no longer valid.",
    403: "The caller lacks the required right, which `detail` names.",
    404: "The caller's tenant has no object with this id.",
    406: "Responses are available as JSON only.",
}
WRITING: Final = {
    409: "Another save or a lock prevents the change; `Retry-After` states when to try again.",
    412: "`If-Match` does not name the current version; nothing was changed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The body has an invalid shape or invalid values; `errors` lists each with its pointer.",
    423: "A person locked the copy; `lock` states who, since when and why.",
}
LATER: Final = {
    429: "Too many requests; `Retry-After` states when to try again.",
    500: "An internal error.",
    503: "A required service is unavailable; try again.",
}

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255},
    OpenApiParameter.HEADER,
    description=(
        "A repeated request with the same key receives the first response again and has no second effect. Stored for "
        "24 hours."
    ),
)
IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description=(
        'The `ETag` of the version that the change is based on, such as `"7"`; any other version is refused with 412.'
    ),
)
IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="The `ETag` that the caller has; the response is 304 if it is still current.",
)
ETAG: Final = OpenApiParameter(
    "ETag",
    {"type": "string"},
    OpenApiParameter.HEADER,
    response=True,
    description="The copy's version, or a digest of the response.",
)

X_LOCK: Final = OpenApiParameter(
    "X-Lock",
    {"type": "string", "enum": ["degraded"]},
    OpenApiParameter.HEADER,
    response=[200, 201, 204],
    description=(
        "`degraded`: saved without a lock because the lock server is unavailable; the version check still applies."
    ),
)


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
) -> Callable[[View], View]:
    """Describe an operation, and parse its query and body.

    The view receives the struct ``query`` as the argument ``query`` unless it is ``NoQuery``, and the struct ``body``
    as the argument ``body`` unless it is ``Nothing`` or None; either way unknown parameters and fields are refused.
    ``responses`` maps statuses to structs, or to several of which a response has one. ``write``, ``keyed`` and
    ``tagged`` state which headers the operation uses. ``files`` are the media types of a body that is a file.
    """
    operation_id = re.sub(r"[^a-z]+", "_", summary.lower())
    describe = extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description,
        request={JSON: _reference(body)} if body else dict.fromkeys(files, _FILE) or None,
        parameters=[*_query_parameters(query), *_headers(responses, write=write, keyed=keyed, tagged=tagged)],
        responses={
            **{(status, JSON) if shape else status: _response(status, shape) for status, shape in responses.items()},
            **{
                (status, PROBLEM_TYPE): OpenApiResponse(_reference(Problem), description=text)
                for status, text in {**ALWAYS, **(WRITING if write else {}), **LATER}.items()
            },
        },
        examples=_examples(body, *(one for shape in responses.values() if shape for one in _several(shape))),
    )

    def decorate(view: View) -> View:
        described: View = describe(_parsing(view, query=query, body=body, takes_key=keyed or not write))
        described.documentation = Documentation(operation_id, summary, description)  # type: ignore[attr-defined]
        return described

    return decorate


def documentation_of(view: View) -> Documentation:
    """Return the texts with which ``view`` is documented."""
    found: Documentation = view.documentation  # type: ignore[attr-defined]
    return found


def _parsing(
    view: View, *, query: type[msgspec.Struct], body: type[msgspec.Struct] | None, takes_key: bool
) -> View:  # fmt: skip
    """Return ``view`` with its query and body parsed, the query first; without ``takes_key`` a key is refused."""

    @wraps(view)
    def parsed(endpoint: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not takes_key:
            refuse_key(endpoint.request)
        inputs = {"query": endpoint.query(query)}
        if body is not None:
            inputs["body"] = endpoint.body(body)
        passed = {name: value for name, value in inputs.items() if type(value) not in (NoQuery, Nothing)}
        return view(endpoint, *args, **kwargs, **passed)

    return parsed


def _headers(responses: Mapping[int, object], *, write: bool, keyed: bool, tagged: bool) -> list[OpenApiParameter]:
    is_conditional_read = 304 in responses
    used = [
        (IDEMPOTENCY_KEY, write and keyed),
        (IF_MATCH, write and tagged),
        (X_LOCK, write),
        (IF_NONE_MATCH, is_conditional_read),
        (ETAG, tagged or is_conditional_read),
    ]
    return [header for header, is_used in used if is_used]


def components() -> dict[str, Schema]:
    """Return the schemas of all described structs and of the structs within them, by name."""
    _, schemas = msgspec.json.schema_components(list(_described.values()), ref_template=REF_TEMPLATE)
    return {name: schemas[name] for name in sorted(schemas)}


def add_components(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Add the structs' schemas to the description (a postprocessing hook)."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(components())
    return result


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


def _response(status: int, shape: Shape | None) -> OpenApiResponse:
    phrase = HTTPStatus(status).phrase
    if shape is None:
        return OpenApiResponse(description=phrase)
    shapes = _several(shape)
    texts = (" ".join((one.__doc__ or phrase).split("\n\n")[0].split()) for one in shapes)
    references = [_reference(one) for one in shapes]
    schema = references[0] if len(references) == 1 else {"oneOf": references}
    return OpenApiResponse(schema, description=" Or: ".join(texts).replace("``", "`"))


def _several(shape: Shape) -> tuple[type[msgspec.Struct], ...]:
    return shape if isinstance(shape, tuple) else (shape,)


def _reference(shape: type[msgspec.Struct]) -> Schema:
    _described[shape.__name__] = shape
    return {"$ref": REF_TEMPLATE.format(name=shape.__name__)}


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


def _examples(*shapes: type[msgspec.Struct] | None) -> list[OpenApiExample]:
    named = [
        (shape.__name__, EXAMPLES[shape.__name__])
        for shape in shapes
        if shape is not None and shape.__name__ in EXAMPLES
    ]
    examples = [
        OpenApiExample(
            name,
            value=value,
            media_type=JSON,
            request_only=is_request,
            response_only=not is_request,
            status_codes=_successes(is_request),
        )
        for name, (is_request, value) in named
    ]
    problem = OpenApiExample(
        "Problem",
        value=EXAMPLES["Problem"][1],
        media_type=PROBLEM_TYPE,
        response_only=True,
        status_codes=[str(status) for status in (*ALWAYS, *WRITING, *LATER)],
    )
    return [*examples, problem]


def _successes(is_request: bool) -> list[str] | None:
    return None if is_request else ["200", "201"]
