"""404 problems for unknown API routes."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from rest_framework.request import Request

from partner_engine.api.http.json import Json, UnreadBody
from partner_engine.api.http.limited import Limited


class UnknownRoute(Limited):
    """Every path below ``/api/`` without a view of its own."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (UnreadBody,)
    renderer_classes = (Json,)
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Respond with 404 to every method."""
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the request; raise ``Http404`` before the method is checked."""
        self.count()
        raise Http404

    def get(self, request: Request) -> HttpResponse:
        """Declare a method, as the framework requires one; ``initial`` refuses it."""
        raise Http404
