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
    "EXCEPTION_HANDLER": "partner_engine.api.http.exceptions.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Partner Engine API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "DESCRIPTION": "Application forms for commercial insurance. Errors are problem details (RFC 9457).",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "PREPROCESSING_HOOKS": ["partner_engine.api.http.schema.canonical_only"],
    "POSTPROCESSING_HOOKS": ["partner_engine.api.http.schema.add_components"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
