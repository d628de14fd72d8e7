"""The JSON parser and renderer that endpoints declare to the REST framework; ``Endpoint`` itself reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.http import QueryDict
from rest_framework import parsers, renderers

MEDIA_TYPE: Final = "application/json"


class UnreadBody(parsers.BaseParser):
    """Leaves the body unread.

    The framework would skip a chunked body, which has no length; ``Endpoint.body`` reads it instead.
    """

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> QueryDict:
        """Return an empty ``QueryDict``, the type that form parsers return."""
        return QueryDict()


class Json(renderers.BaseRenderer):
    """Declares the one media type of responses. Views encode responses themselves, so that a stored response is
    repeated byte for byte.
    """

    media_type = MEDIA_TYPE
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return ``data`` as JSON."""
        return msgspec.json.encode(data)
