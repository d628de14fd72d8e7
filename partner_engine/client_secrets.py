"""The one check of API clients' secrets: the OAuth2 library calls it wherever a client authenticates.

The client that is counted is the client that is checked. Only a wrong secret counts as an attempt: a correct one resets
the count, also if the request is refused afterwards for another reason. An address has one count for all clients and
for the sign-ins of people: each attempt costs a hash. An unknown client costs one too, so its time reveals nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

import structlog
from django.contrib.auth.hashers import make_password
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error

from partner_engine.attempt_limit import AttemptLimit
from partner_engine.client_addresses import address_of
from tenants.caller_rows import TOKENS
from tenants.limits import check
from tenants.limits.check import RateLimited
from tenants.limits.scopes import AUTH

log = structlog.get_logger(__name__)

_GUESSES: Final = AttemptLimit("token")


class TooManyAttempts(OAuth2Error):
    """The client's secret was guessed too often; ``wait`` is in seconds."""

    error = "slow_down"
    status_code = 429

    def __init__(self, wait: int) -> None:
        super().__init__(description="Too many attempts; wait for Retry-After seconds.")
        self.wait = wait

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the response."""
        return {"Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": str(self.wait)}


class BasicCredentials(NamedTuple):
    """Id and secret in an ``Authorization`` header."""

    client_id: str
    secret: str


class ClientSecretValidator(OAuth2Validator):
    """Authenticates clients with a limit of attempts: five in 15 minutes per client and address."""

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Return whether the secret is right. Raises ``TooManyAttempts``, ``InvalidRequestError`` for two clients."""
        basic = basic_credentials(request.headers.get("HTTP_AUTHORIZATION", ""))
        in_body, secret_in_body = request.client_id or "", request.client_secret
        if basic is not None and (secret_in_body or in_body not in ("", basic.client_id)):
            # RFC 6749, 2.3: one method only. Else one client would be counted and another one checked.
            raise InvalidRequestError("The request authenticates a client twice; use the header or the body.")
        attempt = (basic.client_id if basic else in_body, address_of(request.headers))
        _count(*attempt)
        is_right = self._authenticate_basic_auth(request) if basic else self._authenticate_request_body(request)
        if is_right:
            _GUESSES.clear(*attempt)
            check.give_back(AUTH, check.address_subject(attempt[1]))
        elif request.client is None:
            # Unknown, inactive or unreadable: no secret was hashed.
            make_password(secret_in_body or (basic.secret if basic else ""))
        return bool(is_right)

    def _load_access_token(self, token: str) -> Any:
        """Return the token with its client and the client's tenant, None for an unknown one."""
        return find_token(token)

    def _extract_basic_auth(self, request: Any) -> str | None:
        """Return the credentials of a Basic header; schemes have no case (RFC 9110, 11.1)."""
        scheme, _, credentials = (request.headers.get("HTTP_AUTHORIZATION") or "").partition(" ")
        return credentials.strip() or None if scheme.lower() == "basic" else None


def find_token(text: str) -> Any:
    """Return the access token ``text`` with its client and the client's tenant, valid or not; None for an unknown
    one.
    """
    return TOKENS.find(hashlib.sha256(text.encode()).hexdigest())


def _count(client_id: str, address: str) -> None:
    """Count an attempt before it is checked. Raises ``TooManyAttempts``."""
    try:
        check.take(AUTH, check.address_subject(address))
    except RateLimited as limited:
        log.warning("audit.token_guesses_refused", address=address)
        raise TooManyAttempts(limited.retry_after) from limited
    wait = _GUESSES.take(client_id, address)
    if wait:
        log.warning("audit.token_guesses_refused", address=address)
        check.give_back(AUTH, check.address_subject(address))
        raise TooManyAttempts(wait)


def basic_credentials(authorization: str) -> BasicCredentials | None:
    """Return the credentials in an ``Authorization`` header, empty if unreadable; None for another scheme."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        # Clients encode both halves as form fields (RFC 6749, 2.3.1).
        client_id, _, secret = base64.b64decode(credentials.strip()).decode(errors="replace").partition(":")
    except binascii.Error:
        return BasicCredentials("", "")
    return BasicCredentials(unquote_plus(client_id), unquote_plus(secret))


def claimed_client(meta: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Return the client id that a readable request names in its header or its body, "" without one."""
    basic = basic_credentials(str(meta.get("HTTP_AUTHORIZATION", "")))
    return basic.client_id if basic else str(fields.get("client_id") or "")
