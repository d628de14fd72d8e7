"""How a view whose ``format`` is a query parameter like any other chooses its renderer: by the Accept header alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation


class FormatIsAParameter(DefaultContentNegotiation):
    """Leaves ``?format=`` to the view."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)


class AnyMediaType(DefaultContentNegotiation):
    """Lets the view choose its media type, whatever the Accept header says."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the first renderer, which is used for errors alone."""
        return renderers[0], renderers[0].media_type
