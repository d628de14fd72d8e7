"""``/schema`` and ``/docs``: the OpenAPI description and its pages, whose assets are served locally."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from partner_engine.api.http.limited import Limited


class Description(Limited, SpectacularAPIView):
    """The OpenAPI description. It is public, as the product's documentation is."""

    authentication_classes = ()
    permission_classes = ()


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
