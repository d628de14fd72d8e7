"""How a view that chooses its media type itself is served."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation


class AnyMediaType(DefaultContentNegotiation):
    """Lets the view choose its media type, whatever the Accept header says."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the first renderer, which is used for errors alone."""
        return renderers[0], renderers[0].media_type
