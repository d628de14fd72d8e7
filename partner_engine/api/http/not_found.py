"""Answers addresses that are none with a problem, for callers who could not read a page."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from partner_engine.api.http.json import Json, UnreadBody


class Unknown(APIView):
    """Every address below ``/api/`` that nothing else answers."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (UnreadBody,)
    renderer_classes = (Json,)
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer 404 whatever the method."""
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raise ``Http404`` before the method is looked at."""
        raise Http404

    def get(self, request: Request) -> HttpResponse:
        """Answer as for every method."""
        raise Http404
