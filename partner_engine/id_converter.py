"""The URL converter ``id``: a UUID with letters of any case, as some databases and systems print them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import register_converter


class IdConverter:
    """Converts between a UUID in a path and ``UUID``; Django's own converter takes lower case only."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        """Return the id in a path."""
        return UUID(value)

    def to_url(self, value: Any) -> str:
        """Return the id as paths contain it, in lower case."""
        return str(value).lower()


register_converter(IdConverter, "id")
