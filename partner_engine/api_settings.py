"""The settings of the API framework and of the API's description."""

from __future__ import annotations

from typing import Any, Final

REST_FRAMEWORK: Final[dict[str, Any]] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "partner_engine.api.http.authentication.BearerAuthentication",
        "partner_engine.api.http.authentication.AgentSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["partner_engine.api.http.permissions.HasRight"],
    "DEFAULT_RENDERER_CLASSES": ["partner_engine.api.http.json.Json"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # ``format`` is a query parameter like any other: the Accept header alone chooses a renderer.
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "partner_engine.api.http.exceptions.handle",
    "UNAUTHENTICATED_USER": None,
}
DESCRIPTION: Final = """\
Application forms for commercial insurance: start a form, send answers in any order, and read what is decided, what is
still needed and why.

**Start.** Get a token at `/o/token/` with client credentials, and send it as `Authorization: Bearer`. `GET /me` names
your tenant and rights. `POST /application_forms` starts a form with all its answers; the response is the whole copy.

**Answers** are by code of their question, rows of pools in `answer_pools`. `GET /catalogue` lists codes and choices,
`GET /catalogue/json_schema` is a JSON Schema of them. Answers that you may not read are `••••`; send such a mask back
and the answer remains unchanged.

**Writes.** Send `Idempotency-Key` with any write: a repeated request receives the first response again. `If-Match` with
the `ETag` of a copy refuses a change that is based on another version (412). With 409 and `Retry-After` send the same
request again; with 503 too.

**Errors** are problem details (RFC 9457). `type` ends with a stable code; `errors` lists all faults with `pointer` or
`path`, and where only certain values are valid, `allowed` and `did_you_mean`. New codes may be added.

**Lists** return `{results, next}`: follow `next` until it is null. **Times** are ISO 8601 in UTC. Unknown fields and
query parameters are refused.

**Compatibility.** Within `v1` no route, field or error code is removed. New ones may be added at any time, so ignore
unknown fields. Deprecated routes have the headers `Deprecation`, `Sunset` and `Link`.
"""

SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Partner Engine API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "DESCRIPTION": DESCRIPTION,
    "SERVERS": [{"url": "/", "description": "This installation"}],
    "EXTERNAL_DOCS": {"url": "/api/v1/docs", "description": "The interactive documentation"},
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "PREPROCESSING_HOOKS": ["partner_engine.api.http.schema.canonical_only"],
    "POSTPROCESSING_HOOKS": ["partner_engine.api.http.description.assemble"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
