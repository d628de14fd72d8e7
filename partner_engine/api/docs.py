"""``/schema`` and ``/docs``: the OpenAPI description and its pages, with all that they load served from here."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class Description(SpectacularAPIView):
    """The OpenAPI description, for everybody: it says nothing that the product's documents do not."""

    authentication_classes = ()
    permission_classes = ()


# The pages set styles from script; scripts themselves come from files alone.
@method_decorator(csp_update({"style-src": ["'unsafe-inline'"], "img-src": ["data:"]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """The description as pages to read and to try."""

    authentication_classes = ()
    permission_classes = ()
    url_name = "api:schema"

    @extend_schema(exclude=True)
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Show the pages, or with ``?script=`` the script that sets them up."""
        return super().get(request, *args, **kwargs)
