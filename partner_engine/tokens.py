"""Where programs get their tokens and give them back: the library's views, for requests that can be read.

The library looks up in the database what it was sent, and PostgreSQL takes no NUL: that would be a failure of ours.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import RevokeTokenView, TokenView

_NUL: Final = "\x00"


@method_decorator(csrf_exempt, name="dispatch")
class _Readable(View):
    """Answers 400 in OAuth's form (RFC 6749, 5.2) to what cannot be read; comes before the library's view."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer ``request``."""
        fields = [text for name, values in request.POST.lists() for text in (name, *values)]
        if any(_NUL in text for text in fields) or not _is_readable(request.headers.get("Authorization", "")):
            told = {"error": "invalid_request", "error_description": "A field or the Authorization header is no text."}
            return JsonResponse(told, status=400, headers={"Cache-Control": "no-store"})
        return super().dispatch(request, *args, **kwargs)


def _is_readable(authorization: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    if not authorization.isascii() or _NUL in authorization:
        return False
    try:
        return scheme.lower() != "basic" or b"\x00" not in base64.b64decode(given)
    except binascii.Error:
        # The library answers as to a wrong secret.
        return True


class Token(_Readable, TokenView):
    """Gives a token for an id and a secret."""


class RevokeToken(_Readable, RevokeTokenView):
    """Makes a token worthless."""
