"""How a view whose ``format`` is a query parameter like any other chooses its renderer: by the Accept header alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation


class FormatIsAParameter(DefaultContentNegotiation):
    """Leaves ``?format=`` to the view."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)
