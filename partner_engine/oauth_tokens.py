"""The OAuth2 token endpoints: the library's views, with a check of their input and responses as in RFC 6749, 5.2.

The library uses its input in queries, and PostgreSQL refuses NUL: without the check the response would be a 500.
Secrets are checked, and guesses counted, in ``client_secrets``.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import RevokeTokenView, TokenView
from redis.exceptions import RedisError

from partner_engine.active_users import recount_active
from partner_engine.client_secrets import claimed_client
from tenants.models import ApiClient

log = structlog.get_logger(__name__)

_NUL: Final = "\x00"
_GRANT: Final = "client_credentials"
_CHALLENGE: Final = 'Basic realm="partner-engine", charset="UTF-8"'


@method_decorator(csrf_exempt, name="dispatch")
class _CheckedInput(View):
    """Responds with OAuth's 400 (RFC 6749, 5.2) to unreadable input; comes before the library's view."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check ``request`` and pass it on; make every response JSON that nobody stores."""
        response = (request.method == "POST" and self.refuse(request)) or super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Pragma"] = "no-cache"
        if request.method == "POST":
            response["Content-Type"] = "application/json"
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            response["WWW-Authenticate"] = _CHALLENGE
        return response

    def refuse(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return the refusal of a request that no client can be authenticated by; None for a readable one."""
        if request.META.get("QUERY_STRING"):
            return _error("invalid_request", "Send all parameters in the body, none in the address.")
        fields = [text for name, values in request.POST.lists() for text in (name, *values)]
        if any(_NUL in text for text in fields) or not _is_readable(request.headers.get("Authorization", "")):
            return _error("invalid_request", "A field or the Authorization header is not text.")
        if any(len(values) > 1 for name, values in request.POST.lists() if name != "resource"):
            return _error("invalid_request", "A parameter is sent twice.")
        return None


def _error(code: str, description: str) -> JsonResponse:
    return JsonResponse({"error": code, "error_description": description}, status=HTTPStatus.BAD_REQUEST)


def _is_readable(authorization: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    if not authorization.isascii() or _NUL in authorization:
        return False
    try:
        # The library decodes base64, and then both halves as form fields.
        return scheme.lower() != "basic" or b"\x00" not in unquote_to_bytes(base64.b64decode(credentials))
    except binascii.Error:
        # The library responds as to a wrong secret.
        return True


class Token(_CheckedInput, TokenView):
    """Issues a token for an id and a secret."""

    def refuse(self, request: HttpRequest) -> HttpResponseBase | None:
        """Refuse requests of another kind before a secret is checked: nobody learns anything about it from them."""
        refused = super().refuse(request)
        if refused is not None:
            return refused
        grant = request.POST.get("grant_type")
        if not grant:
            return _error("invalid_request", "Send grant_type=client_credentials as a form, not as JSON.")
        if grant != _GRANT:
            return _error("unsupported_grant_type", "The only grant type is client_credentials.")
        return None


class RevokeToken(_CheckedInput, RevokeTokenView):
    """Revokes a token; a client without another one no longer counts as active."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Revoke the token as in RFC 7009."""
        response = super().post(request, *args, **kwargs)
        if response.status_code == HTTPStatus.OK:
            _recount(claimed_client(request.META, request.POST))
        return response


def _recount(client_id: str) -> None:
    client = ApiClient.objects.select_related("tenant").filter(client_id=client_id).first()
    if client is None:
        return
    try:
        recount_active(client.tenant)
    except RedisError as error:
        # The client expires by itself a few minutes after its last request.
        log.info("active_users_not_recounted", reason=type(error).__name__)
