"""Talks to the OpenID Connect issuer of a tenant: where it is, the code it sent, and whom its token names.

State and PKCE are made and checked by oauthlib, the token by jwcrypto (docs/adr/0048). Every request goes through the
guard that also stands before carriers: the issuer's address is chosen by staff, and its document names further ones.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx2
import msgspec
from jwcrypto.common import JWException
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from carriers.links.transport import carrier_guard, make_client
from encryption.envelope import DecryptionFailed
from encryption.tenant_secrets import open_sealed, seal
from tenants.company_sign_in_models import CompanySignIn
from webhooks.ssrf import RefusedAddress

SCOPES: Final = ("openid", "email", "profile")
#: The scope for a refresh token, asked of issuers that name it.
OFFLINE: Final = "offline_access"
#: What a token endpoint says of a person, not of the request (RFC 6749, 5.2; OpenID Connect Core, 3.1.2.6).
#: ``unauthorized`` is Auth0's word for a blocked person; ``unauthorized_client`` and ``invalid_client`` are of us.
_OF_PERSON: Final = frozenset(
    {
        "invalid_grant", "access_denied", "unauthorized", "interaction_required", "login_required", "consent_required",
        "account_selection_required",
    }
)  # fmt: skip
_CLIENT_ERRORS: Final = HTTPStatus.BAD_REQUEST
_SERVER_ERRORS: Final = HTTPStatus.INTERNAL_SERVER_ERROR
#: The refusals of a request at this time, whatever they say.
_OF_TIME: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
#: Signatures with a public key: a shared secret would make every holder of it an issuer.
ALGORITHMS: Final = ("RS256", "PS256", "ES256")
_PURPOSE: Final = "company sign-in"
_SECONDS: Final = 8.0
_MOST_BYTES: Final = 256 * 1024
_PLAIN: Final = "http://"
_TLS: Final = "https://"
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class IssuerFailed(Exception):
    """The issuer cannot be reached, or what it sent is not what it must be; the sentence goes to the log alone."""


class NoLongerVouched(IssuerFailed):
    """The issuer no longer vouches for the person: their account has ended, or they must sign in there again."""


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of the issuer's own description."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str] = []


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One sign-in under way; the session of the browser holds it. ``verifier`` is that of PKCE."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The person whom the issuer vouches for. ``subject`` is their name there, ``refresh_token`` empty without one."""

    email: str
    name: str
    subject: str = ""
    refresh_token: str = ""


def set_secret(row: CompanySignIn, text: str) -> None:
    """Set the client secret of ``row``, which the caller stores."""
    row.client_secret = seal(text, tenant_id=row.tenant_id, purpose=_PURPOSE, owner=row.pk)


def begin(row: CompanySignIn, *, redirect_uri: str) -> tuple[str, Attempt]:
    """Return the address at which the browser signs in, and the attempt to remember. Raises ``IssuerFailed``."""
    client = WebApplicationClient(row.client_id)
    attempt = Attempt(
        state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=client.create_code_verifier(64)
    )
    endpoints = _endpoints(row)
    endpoint = endpoints.authorization_endpoint
    address: str = client.prepare_request_uri(
        _with_tls(endpoint),
        redirect_uri=redirect_uri,
        scope=[*SCOPES, OFFLINE] if OFFLINE in endpoints.scopes_supported else list(SCOPES),
        state=attempt.state,
        code_challenge=client.create_code_challenge(attempt.verifier, "S256"),
        code_challenge_method="S256",
        nonce=attempt.nonce,
    )
    is_plain = endpoint.startswith(_PLAIN)
    return address.replace(_TLS, _PLAIN, 1) if is_plain else address, attempt


def _with_tls(address: str) -> str:
    """Return ``address`` as oauthlib takes it. The guard has decided where there may be no TLS: in development."""
    return address.replace(_PLAIN, _TLS, 1) if address.startswith(_PLAIN) else address


def finish(row: CompanySignIn, attempt: Attempt, *, returned_to: str, redirect_uri: str) -> Identity:
    """Return the person for the address ``returned_to`` that the browser came back to. Raises ``IssuerFailed``."""
    client = WebApplicationClient(row.client_id)
    try:
        found = client.parse_request_uri_response(_with_tls(returned_to), state=attempt.state)
    except OAuth2Error as error:
        raise IssuerFailed(f"The browser came back with {error.error or 'an error'}.") from error
    if found.get("iss", row.issuer) != row.issuer:
        # RFC 9207: an issuer that names itself in its answer.
        raise IssuerFailed("The browser came back from another issuer.")
    endpoints = _endpoints(row)
    body = client.prepare_request_body(
        code=found["code"], redirect_uri=redirect_uri, code_verifier=attempt.verifier, client_secret=_secret(row)
    )
    tokens = _json("POST", endpoints.token_endpoint, content=body, headers=_FORM)
    claims = _claims(str(tokens.get("id_token", "")), row, keys=_json("GET", endpoints.jwks_uri), nonce=attempt.nonce)
    return _identity(claims, str(tokens.get("refresh_token") or ""))


def renew(row: CompanySignIn, *, refresh_token: str, subject: str) -> str:
    """Ask the issuer whether it still vouches for the person ``subject``; return the refresh token for the next time,
    "" for the same one. Raises ``NoLongerVouched``, or ``IssuerFailed`` where the issuer does not say.
    """
    endpoints = _endpoints(row)
    body = WebApplicationClient(row.client_id).prepare_refresh_body(
        refresh_token=refresh_token, client_id=row.client_id, client_secret=_secret(row)
    )
    tokens = _json("POST", endpoints.token_endpoint, content=body, headers=_FORM)
    if tokens.get("error") is not None:
        raise _refusal(tokens["error"]) or IssuerFailed("The renewal returned an unknown error.")
    if not isinstance(tokens.get("access_token"), str) or not tokens["access_token"]:
        raise IssuerFailed("The renewal returned no access token.")
    if "id_token" in tokens:
        claims = _claims(str(tokens["id_token"]), row, keys=_json("GET", endpoints.jwks_uri), nonce=None)
        if claims.get("sub") != subject:
            raise NoLongerVouched("The issuer renewed the session of another person.")
    return str(tokens.get("refresh_token") or "")


def _identity(claims: dict[str, Any], refresh_token: str) -> Identity:
    email = claims.get("email")
    if not isinstance(email, str) or not _is_verified(claims):
        raise IssuerFailed("The token names no verified address.")
    name = claims.get("name")
    return Identity(
        email=email,
        name=" ".join(name.split())[:200] if isinstance(name, str) else "",
        subject=str(claims.get("sub", "")),
        refresh_token=refresh_token,
    )


def _is_verified(claims: dict[str, Any]) -> bool:
    """Return whether the issuer has verified the address; Entra ID states it in a claim of its own. What either claim
    denies the other cannot vouch for.
    """
    said = []
    if "email_verified" in claims:
        said.append(claims["email_verified"] is True)
    if "xms_edov" in claims:
        said.append(claims["xms_edov"] in (True, "1", "true"))
    return bool(said) and all(said)


def _claims(token: str, row: CompanySignIn, *, keys: dict[str, Any], nonce: str | None) -> dict[str, Any]:
    """Return the claims of a valid token of this issuer for this client and attempt, None for a renewal, whose token
    needs no nonce. Raises ``IssuerFailed``.
    """
    own = {} if nonce is None else {"nonce": nonce}
    try:
        checked = JWT(
            jwt=token,
            key=JWKSet.from_json(msgspec.json.encode(keys).decode()),
            algs=list(ALGORITHMS),
            check_claims={"iss": row.issuer, "aud": row.client_id, "exp": None, "iat": None, **own},
            expected_type="JWS",
        )
        claims: dict[str, Any] = msgspec.json.decode(checked.claims)
    except (JWException, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        raise IssuerFailed(f"The token is not valid: {type(error).__name__}.") from error
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != row.client_id:
        raise IssuerFailed("The token is for several clients and was not issued to this one.")
    return claims


def _secret(row: CompanySignIn) -> str:
    try:
        return open_sealed(bytes(row.client_secret or b""), tenant_id=row.tenant_id, purpose=_PURPOSE, owner=row.pk)
    except DecryptionFailed as error:
        raise IssuerFailed("The client secret does not open; enter it again in the admin.") from error


def _endpoints(row: CompanySignIn) -> Endpoints:
    """Return the issuer's own description. Raises ``IssuerFailed``, also if it describes another issuer."""
    found = _json("GET", f"{row.issuer}/.well-known/openid-configuration")
    try:
        endpoints = msgspec.convert(found, Endpoints)
    except msgspec.ValidationError as error:
        raise IssuerFailed(f"The issuer's description is incomplete: {error}") from error
    if endpoints.issuer != row.issuer:
        raise IssuerFailed("The description is of another issuer.")
    try:
        carrier_guard().check_url(endpoints.authorization_endpoint)
    except RefusedAddress as error:
        raise IssuerFailed(f"The sign-in address is refused: {error}") from error
    return endpoints


def _json(method: str, address: str, **sent: Any) -> dict[str, Any]:
    """Return the JSON object at ``address``. Raises ``IssuerFailed``."""
    try:
        content = asyncio.run(_exchange(method, address, sent))
        found = msgspec.json.decode(content)
    except (RefusedAddress, httpx2.HTTPError, OSError, TimeoutError, msgspec.DecodeError) as error:
        raise IssuerFailed(f"{method} failed: {type(error).__name__}.") from error
    if not isinstance(found, dict):
        raise IssuerFailed(f"{method} returned no object.")
    return found


async def _exchange(method: str, address: str, sent: dict[str, Any]) -> bytes:
    guard = carrier_guard()
    guard.check_url(address)
    async with asyncio.timeout(_SECONDS), make_client(guard) as client, client.stream(method, address, **sent) as reply:
        content = b""
        async for part in reply.aiter_raw():
            content += part
            if len(content) > _MOST_BYTES:
                raise IssuerFailed(f"{method} returned more than {_MOST_BYTES} bytes.")
        if reply.status_code != HTTPStatus.OK:
            raise _failure(method, reply.status_code, content)
    return content


def _failure(method: str, status: int, content: bytes) -> IssuerFailed:
    """Return the error of a response: what it says of the person, or only its status."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    # Issuers choose the status freely (Auth0: 403). A description or key that is refused is nobody's.
    is_refused = method == "POST" and _CLIENT_ERRORS <= status < _SERVER_ERRORS and status not in _OF_TIME
    refusal = _refusal(found.get("error")) if is_refused and isinstance(found, dict) else None
    return refusal or IssuerFailed(f"{method} returned {status}.")


def _refusal(reason: object) -> NoLongerVouched | None:
    """Return the error for the ``reason`` of a token endpoint if it concerns the person."""
    if isinstance(reason, str) and reason in _OF_PERSON:
        return NoLongerVouched(f"The issuer refused: {reason}.")
    return None
