"""The OAuth2 token endpoints: the library's views, with a check of their input and a limit of attempts.

The library uses its input in queries, and PostgreSQL refuses NUL: without the check the response would be a 500.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_plus, unquote_to_bytes

import structlog
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import RevokeTokenView, TokenView
from redis.exceptions import RedisError

from partner_engine.active_users import recount_active
from partner_engine.attempt_limit import AttemptLimit
from partner_engine.client_addresses import client_address
from tenants.models import ApiClient

log = structlog.get_logger(__name__)

_GUESSES: Final = AttemptLimit("token")
_NUL: Final = "\x00"


@method_decorator(csrf_exempt, name="dispatch")
class _CheckedInput(View):
    """Responds with OAuth's 400 (RFC 6749, 5.2) to unreadable input; comes before the library's view."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check ``request`` and pass it on."""
        fields = [text for name, values in request.POST.lists() for text in (name, *values)]
        if any(_NUL in text for text in fields) or not _is_readable(request.headers.get("Authorization", "")):
            detail = "A field or the Authorization header is not text."
            return JsonResponse(
                {"error": "invalid_request", "error_description": detail},
                status=400,
                headers={"Cache-Control": "no-store"},
            )
        return super().dispatch(request, *args, **kwargs)


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
    """Issues a token for an id and a secret, with five attempts in 15 minutes per id and address."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return a token or OAuth's error (RFC 6749, 5.2); 429 after too many attempts."""
        attempt = (claimed_client(request), client_address(request))
        wait = _GUESSES.take(*attempt)
        if wait:
            log.warning("audit.token_guesses_refused", address=attempt[1])
            error = {"error": "slow_down", "error_description": "Too many attempts; wait for Retry-After seconds."}
            return JsonResponse(error, status=429, headers={"Cache-Control": "no-store", "Retry-After": str(wait)})
        response = super().post(request, *args, **kwargs)
        # Only a success proves the secret: a request refused for another reason may lack it.
        if response.status_code == HTTPStatus.OK:
            _GUESSES.clear(*attempt)
        return response


class RevokeToken(_CheckedInput, RevokeTokenView):
    """Revokes a token; a client without another one no longer counts as active."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Revoke the token as in RFC 7009."""
        response = super().post(request, *args, **kwargs)
        if response.status_code == HTTPStatus.OK:
            _recount(claimed_client(request))
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


def claimed_client(request: HttpRequest) -> str:
    """Return the client id that a readable request contains, "" without one."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            # Clients encode both halves as form fields (RFC 6749, 2.3.1).
            return unquote_plus(base64.b64decode(credentials).decode(errors="replace").partition(":")[0])
        except binascii.Error:
            return ""
    return request.POST.get("client_id", "")
