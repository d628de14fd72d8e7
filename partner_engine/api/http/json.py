"""What the API reads and writes: JSON, by its own hands rather than the framework's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.http import QueryDict
from rest_framework import parsers, renderers

MEDIA_TYPE: Final = "application/json"


class UnreadBody(parsers.BaseParser):
    """Leaves the body alone.

    The framework's own reading would skip a chunked body, which has no length; ``Endpoint.body`` reads it instead.
    """

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> QueryDict:
        """Return nothing, unread, in the type that readers of forms expect."""
        return QueryDict()


class Json(renderers.BaseRenderer):
    """Names the one media type that is answered; views write their bytes themselves, so that a stored answer is the
    same to the byte.
    """

    media_type = MEDIA_TYPE
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return ``data`` as JSON."""
        return msgspec.json.encode(data)
