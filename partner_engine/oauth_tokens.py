"""Where programs get their tokens and give them back: the library's views, for requests that can be read.

The library looks up in the database what it was sent, and PostgreSQL takes no NUL: that would be a failure of ours.
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
        # The library decodes both: base64, and then the two halves like a form's fields.
        return scheme.lower() != "basic" or b"\x00" not in unquote_to_bytes(base64.b64decode(given))
    except binascii.Error:
        # The library answers as to a wrong secret.
        return True


class Token(_Readable, TokenView):
    """Gives a token for an id and a secret; who guesses has five tries in a quarter of an hour, per id and address."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer with a token, or as OAuth refuses (RFC 6749, 5.2); 429 after too many tries."""
        who = (claimed_client(request), client_address(request))
        wait = _GUESSES.take(*who)
        if wait:
            log.warning("audit.token_guesses_refused", address=who[1])
            told = {"error": "slow_down", "error_description": "Too many tries; Retry-After tells when to come back."}
            return JsonResponse(told, status=429, headers={"Cache-Control": "no-store", "Retry-After": str(wait)})
        response = super().post(request, *args, **kwargs)
        # Nothing else proves the secret: a request that is refused for another reason may have been made without it.
        if response.status_code == HTTPStatus.OK:
            _GUESSES.clear(*who)
        return response


class RevokeToken(_Readable, RevokeTokenView):
    """Makes a token worthless; a client without any other no longer counts as active."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer as RFC 7009 says."""
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
        # It stops counting by itself a few minutes after its last call.
        log.info("active_users_not_recounted", reason=type(error).__name__)


def claimed_client(request: HttpRequest) -> str:
    """Return the id of the client that a readable request says it comes from, "" if it says none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            # Clients encode the two halves like a form's fields (RFC 6749, 2.3.1).
            return unquote_plus(base64.b64decode(given).decode(errors="replace").partition(":")[0])
        except binascii.Error:
            return ""
    return request.POST.get("client_id", "")
