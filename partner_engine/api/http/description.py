"""The assembly of the OpenAPI description: errors, headers, parameters and examples are components, to which the
operations refer.

``documented`` leaves a note at each operation (``NOTE``); the hook ``assemble`` replaces it by references.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from partner_engine.api.http.conditional import MAX_HEADER
from partner_engine.api.http.examples import example_of
from partner_engine.api.http.problem_examples import CODES, STATUS_TEXTS, problem_examples
from partner_engine.api.http.schema_components import components, described, is_described
from partner_engine.api.http.webhook_description import describe_webhooks
from partner_engine.problems import MEDIA_TYPE as PROBLEM_TYPE

Schema = dict[str, Any]

JSON: Final = "application/json"
#: The note that ``documented`` leaves at an operation: ``{"problems": [...], "headers": {name: [status, ...]}, ...}``.
NOTE: Final = "x-note"

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
#: Response headers by name: schema and description.
RESPONSE_HEADERS: Final[Mapping[str, tuple[Schema, str]]] = {
    "ETag": (_TEXT, "The copy's version, or a digest of the response: for `If-Match` and `If-None-Match`."),
    "Location": (_TEXT, "The path of the new object."),
    "Idempotent-Replayed": (
        {"type": "string", "enum": ["true"]},
        "The response of the first request with this `Idempotency-Key`, repeated.",
    ),
    "X-Lock": (
        {"type": "string", "enum": ["degraded"]},
        "`degraded`: saved without a lock because the lock server is unavailable; the version check still applies.",
    ),
    "X-Correlation-ID": (
        _TEXT,
        "The id of the request in logs, versions and webhooks. Send the same header with an id of your own to set it.",
    ),
    "X-RateLimit-Limit": (_COUNT, "Requests that the tightest limit allows in its window."),
    "X-RateLimit-Window": (_COUNT, "The length of the window in seconds."),
    "X-RateLimit-Remaining": (_COUNT, "Requests that remain in the window."),
    "Retry-After": (_COUNT, "Seconds after which the same request may succeed."),
    "WWW-Authenticate": (_TEXT, "How to authenticate."),
    "Allow": (_TEXT, "The methods of the address."),
    "Deprecation": (_TEXT, "Since when the route is deprecated: `@` and seconds since 1970 (RFC 9745)."),
    "Sunset": (_TEXT, "When the route ends (RFC 8594)."),
    "Link": (_TEXT, "The route to use instead (`successor-version`), and the page that says why."),
}
#: Headers of every response; those of limits are described at the errors only.
ALWAYS_SENT: Final = ("X-Correlation-ID",)
OF_LIMITS: Final = ("X-RateLimit-Limit", "X-RateLimit-Window", "X-RateLimit-Remaining")
#: Headers of errors besides, by status.
OF_PROBLEMS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
#: Statuses of problems that are described at the routes of copies, not at their deprecated aliases.
OF_COPIES: Final = frozenset({400, 409, 412, 423})
OF_DEPRECATED: Final = ("Deprecation", "Sunset", "Link")

#: Request headers by the name of their component: header, schema and description.
REQUEST_HEADERS: Final[Mapping[str, tuple[str, Schema, str]]] = {
    "IdempotencyKey": (
        "Idempotency-Key",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "A repeated request with the same key receives the first response again and has no second effect. Stored for "
        "24 hours.",
    ),
    "IfMatch": (
        "If-Match",
        {"type": "string", "pattern": '^(\\*|"[0-9]{1,10}(-[0-9a-z.-]{1,100})?")$'},
        'The `ETag` of the version that the change is based on, such as `"7"`; any other version is refused with 412.',
    ),
    "IfNoneMatch": (
        "If-None-Match",
        {
            "type": "string",
            "maxLength": MAX_HEADER,
            "pattern": r'^(\*|(W/)?"[!#-~]*"([\t ]*,[\t ]*(W/)?"[!#-~]*")*[\t ]*,?)$',
        },
        "The `ETag` that the caller has, or several; the response is 304 if one is still current.",
    ),
    "SocketId": (
        "X-Socket-Id",
        _TEXT,
        "The caller's own WebSocket on the copy, which does not receive this change; other values are ignored.",
    ),
}


#: Statuses of problems that every operation can have for reasons of no operation's own: one response, the default.
OTHERS: Final = (405, 406, 413, 414, 415, 429, 503)


def response_name(status: int) -> str:
    """Return the name of the shared response of a status, which is short because every operation has many."""
    return "Other" if status in OTHERS else f"E{status}"


def assemble(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Add all components to the description and refer to them from the operations (a postprocessing hook)."""
    shared = result.setdefault("components", {})
    shared.setdefault("schemas", {}).update(components())
    shared["parameters"] = {
        key: {"name": name, "in": "header", "schema": schema, "description": text}
        for key, (name, schema, text) in REQUEST_HEADERS.items()
    }
    used: set[str] = set()
    for operations in result["paths"].values():
        for operation in operations.values():
            used.update(_complete(operation))
    _share_parameters(result, shared["parameters"])
    shared["responses"] = {
        "Other": _problem_response(*OTHERS),
        **{response_name(status): _problem_response(status) for status in CODES if status not in OTHERS},
    }
    _share_responses(result, shared["responses"])
    result["webhooks"] = describe_webhooks(shared)
    shared["schemas"] = {name: _without_title(schema) for name, schema in sorted(shared["schemas"].items())}
    shared["headers"] = {
        name: {"schema": schema, "description": text} for name, (schema, text) in RESPONSE_HEADERS.items()
    }
    shared["examples"] = {name: {"value": example_of(described(name))} for name in sorted(used)}
    return result


def _without_title(schema: Schema) -> Schema:
    """Return ``schema`` without its title, which is the component's name."""
    return {name: value for name, value in schema.items() if name != "title"}


def _share_parameters(result: Schema, shared: Schema) -> None:
    """Make components of the parameters that several operations have in the same words."""
    operations = [operation for found in result["paths"].values() for operation in found.values()]
    spelled = Counter(_spelling(one) for operation in operations for one in operation["parameters"])
    names: dict[str, str] = {}
    for operation in operations:
        for place, parameter in enumerate(operation["parameters"]):
            spelling = _spelling(parameter)
            if "$ref" in parameter or spelled[spelling] == 1:
                continue
            if spelling not in names:
                taken = [name for name in shared if name.partition("-")[0] == parameter["name"]]
                names[spelling] = f"{parameter['name']}-{len(taken) + 1}" if taken else parameter["name"]
                shared[names[spelling]] = parameter
            operation["parameters"][place] = {"$ref": f"#/components/parameters/{names[spelling]}"}


def _share_responses(result: Schema, shared: Schema) -> None:
    """Make components of the responses that several operations have in the same words."""
    operations = [operation for found in result["paths"].values() for operation in found.values()]
    spelled = Counter(_spelling(one) for operation in operations for one in operation["responses"].values())
    names: dict[str, str] = {}
    for operation in operations:
        for status, response in operation["responses"].items():
            spelling = _spelling(response)
            if "$ref" in response or spelled[spelling] == 1:
                continue
            name = names.setdefault(spelling, f"R{status}-{len(names) + 1}")
            shared[name] = response
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _spelling(part: Schema) -> str:
    return json.dumps(part, sort_keys=True)


def _complete(operation: Schema) -> Iterator[str]:
    """Replace the note of one operation; yield the names of the structs of which it has an example."""
    note = operation.pop(NOTE)
    is_deprecated = operation.get("deprecated", False)
    operation["parameters"] = [
        *operation.get("parameters", []),
        *({"$ref": f"#/components/parameters/{key}"} for key in note["parameters"]),
    ]
    for status, response in operation["responses"].items():
        sent = [name for name, statuses in note["headers"].items() if int(status) in statuses]
        names = (*ALWAYS_SENT, *sent, *(OF_DEPRECATED if is_deprecated else ()))
        response["headers"] = _references("headers", names)
        yield from _illustrate(response.get("content", {}))
    yield from _illustrate(operation.get("requestBody", {}).get("content", {}))
    if note["requires_body"]:
        operation["requestBody"]["required"] = True
    # An alias responds like the route of the copy, whose errors are described.
    problems = [status for status in note["problems"] if not is_deprecated or status not in OF_COPIES]
    for status in problems:
        key = "default" if status in OTHERS else str(status)
        operation["responses"][key] = {"$ref": f"#/components/responses/{response_name(status)}"}


def _illustrate(content: Schema) -> Iterator[str]:
    """Refer to an example of each struct of which a body is; yield their names."""
    schema = content.get(JSON, {}).get("schema", {})
    options = schema.get("oneOf", schema.get("anyOf", [schema]))
    references = [one["$ref"] for one in options if "$ref" in one]
    names = [name for name in (reference.rpartition("/")[2] for reference in references) if is_described(name)]
    # A shape with a few fields more has no example of its own beside that of the other.
    names = [name for name in names if not any(base.__name__ in names for base in described(name).__mro__[1:])]
    if names:
        content[JSON]["examples"] = _references("examples", names)
    yield from names


def _references(kind: str, names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/{kind}/{name}"} for name in names}


def _problem_response(*statuses: int) -> Schema:
    """Return the shared response of problems with one of ``statuses``."""
    texts = [f"{status}: {STATUS_TEXTS[status]}" if len(statuses) > 1 else STATUS_TEXTS[status] for status in statuses]
    own = dict.fromkeys(name for status in statuses for name in OF_PROBLEMS.get(status, ()))
    examples = {code: example for status in statuses for code, example in problem_examples(status).items()}
    return {
        "description": " ".join(texts),
        "headers": _references("headers", (*ALWAYS_SENT, *(OF_LIMITS if 429 in statuses else ()), *own)),
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }
