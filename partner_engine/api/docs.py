"""``/schema`` and ``/docs``: the OpenAPI description and its pages, whose assets are served locally."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any, Final

from csp.decorators import csp_update
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request

from partner_engine.api.http.conditional import digest_tag, is_fresh
from partner_engine.api.http.limited import Limited
from partner_engine.api.http.negotiation import AnyMediaType

#: The formats of the description and their media types; JSON is YAML too.
FORMATS: Final = {"json": "application/vnd.oai.openapi+json", "yaml": "application/vnd.oai.openapi"}


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI description, which is the same for every caller."""
    generator = SchemaGenerator()
    found: dict[str, Any] = generator.get_schema(request=None, public=True)
    return found


@cache
def _encoded(kind: str, *, compressed: bool) -> tuple[bytes, str]:
    """Return the description in one format with its entity tag."""
    if kind == "yaml":
        content = OpenApiYamlRenderer().render(description(), renderer_context={})
    else:
        content = json.dumps(description(), ensure_ascii=False, separators=(",", ":")).encode()
    if compressed:
        content = gzip.compress(content, mtime=0)
    return content, digest_tag(content)


class Description(Limited):
    """The OpenAPI description. It is public, as the product's documentation is."""

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = AnyMediaType

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the description as JSON, or with ``?format=yaml`` as YAML; 304 if the caller has it."""
        kind = "yaml" if request.GET.get("format") == "yaml" else "json"
        compressed = "gzip" in request.headers.get("Accept-Encoding", "")
        content, etag = _encoded(kind, compressed=compressed)
        headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if is_fresh(request.headers.get("If-None-Match"), etag):
            return HttpResponse(status=304, headers=headers)
        if compressed:
            headers["Content-Encoding"] = "gzip"
        return HttpResponse(content, content_type=FORMATS[kind], headers=headers)


# Swagger UI sets styles from scripts; scripts themselves are loaded from files only.
@method_decorator(csp_update({"style-src": ["'unsafe-inline'"], "img-src": ["data:"]}), name="dispatch")
class Docs(Limited, SpectacularSwaggerSplitView):
    """The interactive documentation (Swagger UI)."""

    authentication_classes = ()
    permission_classes = ()
    url_name = "api:schema"

    @extend_schema(exclude=True)
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the page, or with ``?script=`` its configuration script."""
        return super().get(request, *args, **kwargs)
