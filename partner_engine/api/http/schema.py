"""The OpenAPI description: made from the very structs that are read and answered, so that it cannot tell otherwise than
the code does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from partner_engine.api.http.schema_examples import EXAMPLES
from partner_engine.problems import MEDIA_TYPE as PROBLEM_TYPE
from partner_engine.problems import Problem
from tenants.access import RIGHT_TEXTS

F = TypeVar("F", bound=Callable[..., Any])
Schema = dict[str, Any]

JSON: Final = "application/json"
REF_TEMPLATE: Final = "#/components/schemas/{name}"
#: Every struct that an operation takes or answers, collected as the views are defined.
_described: dict[str, type[msgspec.Struct]] = {"Problem": Problem}

#: What can go wrong at any operation, and at any that writes.
ALWAYS: Final = {
    400: "The query, a header or the JSON is malformed.",
    401: "Nobody is signed in, or the token is no longer good.",
    403: "The caller lacks the right, which is named.",
    404: "There is nothing with this id at the caller's tenant.",
    406: "Only JSON is answered.",
}
WRITING: Final = {
    409: "Somebody else's save or a lock stands in the way; `Retry-After` tells when to try again.",
    412: "`If-Match` is not the present version; nothing was changed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The body has another shape or holds values that cannot be taken; `errors` names each with its pointer.",
}
LATER: Final = {
    429: "Too many requests; `Retry-After` tells when to try again.",
    500: "A fault of ours.",
    503: "A service is away; try again.",
}

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255},
    OpenApiParameter.HEADER,
    description="Makes a repeated request give its first answer again instead of a second effect; kept for 24 hours.",
)
IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description='The `ETag` of the version that the change is made from, such as `"7"`; another version gives 412.',
)
IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="The `ETag` that the caller has; the same gives 304.",
)
ETAG: Final = OpenApiParameter(
    "ETag",
    {"type": "string"},
    OpenApiParameter.HEADER,
    response=True,
    description="The copy's version, or the answer's digest.",
)

X_LOCK: Final = OpenApiParameter(
    "X-Lock",
    {"type": "string", "enum": ["degraded"]},
    OpenApiParameter.HEADER,
    response=[200, 201, 204],
    description="`degraded`: saved without waiting in turn, for the lock server is away; the version still guards.",
)


def documented(  # noqa: PLR0913 - one word for each thing that a reader of the description asks
    summary: str,
    description: str,
    *,
    answers: Mapping[int, type[msgspec.Struct] | None],
    query: type[msgspec.Struct],
    body: type[msgspec.Struct] | None = None,
    write: bool = False,
    keyed: bool = True,
    tagged: bool = False,
    deprecated: bool = False,
) -> Callable[[F], F]:
    """Describe an operation: what it takes (``body``, ``query``), what it answers by status; ``write`` and ``tagged``
    say which headers it heeds.
    """
    headers = [IDEMPOTENCY_KEY] if write and keyed else []
    if write and tagged:
        headers.append(IF_MATCH)
    if write:
        headers.append(X_LOCK)
    if 304 in answers:
        headers.append(IF_NONE_MATCH)
    if tagged or 304 in answers:
        headers.append(ETAG)
    problems = {**ALWAYS, **(WRITING if write else {}), **LATER}
    return extend_schema(
        operation_id=re.sub(r"[^a-z]+", "_", summary.lower()),
        summary=summary,
        description=description,
        request={JSON: _reference(body)} if body else None,
        parameters=[*_query_parameters(query), *headers],
        responses={
            **{(status, JSON) if shape else status: _answer(status, shape) for status, shape in answers.items()},
            **{
                (status, PROBLEM_TYPE): OpenApiResponse(_reference(Problem), description=text)
                for status, text in problems.items()
            },
        },
        examples=_examples(body, *answers.values()),
        deprecated=deprecated or None,
    )


def components() -> dict[str, Schema]:
    """Return the schemas of all described structs and of those that they hold, by name."""
    _, found = msgspec.json.schema_components(list(_described.values()), ref_template=REF_TEMPLATE)
    return {name: found[name] for name in sorted(found)}


def add_components(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Put the structs' schemas into the description (a postprocessing hook)."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(components())
    return result


def canonical_only(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leave the addresses with a trailing slash, which work too, out of the description (a preprocessing hook)."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


class BearerScheme(OpenApiAuthenticationExtension):
    """Describes tokens of API clients; each operation names the scope that it needs."""

    target_class = "partner_engine.api.http.authentication.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        """Describe how to get a token."""
        flow = {"tokenUrl": "/o/token/", "scopes": {right.value: text for right, text in RIGHT_TEXTS.items()}}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}

    def get_security_requirement(self, auto_schema: Any) -> Schema:
        """Name the right that the operation needs."""
        right = auto_schema.view.rights.get(auto_schema.method)
        return {self.name: [right.value] if right else []}


class SessionScheme(OpenApiAuthenticationExtension):
    """Describes the sessions of signed-in agents."""

    target_class = "partner_engine.api.http.authentication.AgentSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        """Describe the cookie."""
        text = "An agent's session; requests that write need the header `X-CSRFToken` too."
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME, "description": text}


def _answer(status: int, shape: type[msgspec.Struct] | None) -> OpenApiResponse:
    phrase = HTTPStatus(status).phrase
    if shape is None:
        return OpenApiResponse(description=phrase)
    return OpenApiResponse(_reference(shape), description=(shape.__doc__ or phrase).split("\n")[0].replace("``", "`"))


def _reference(shape: type[msgspec.Struct]) -> Schema:
    _described[shape.__name__] = shape
    return {"$ref": REF_TEMPLATE.format(name=shape.__name__)}


def _query_parameters(query: type[msgspec.Struct]) -> list[OpenApiParameter]:
    schema = msgspec.json.schema(query)["$defs"][query.__name__]
    required = schema.get("required", [])
    return [
        OpenApiParameter(name, _without_null(found), OpenApiParameter.QUERY, required=name in required)
        for name, found in schema["properties"].items()
    ]


def _without_null(schema: Schema) -> Schema:
    """A query parameter is left out, never null."""
    kept = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if not kept:
        return schema
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


def _examples(*shapes: type[msgspec.Struct] | None) -> list[OpenApiExample]:
    named = [
        (shape.__name__, EXAMPLES[shape.__name__])
        for shape in shapes
        if shape is not None and shape.__name__ in EXAMPLES
    ]
    found = [
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
    return [*found, problem]


def _successes(is_request: bool) -> list[str] | None:
    return None if is_request else ["200", "201"]
