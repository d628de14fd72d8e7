"""Sessions that began with the account of a company: the issuer is asked again whether it still vouches for the user.

At the first request after ``session_minutes`` the issuer renews its refresh token, or refuses: then the session ends.
An issuer that gave no refresh token is asked by a new sign-in, so the session ends too. While the issuer does not
respond, the session goes on for an hour at most. Sockets make no request: they close when a check is overdue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog
from django.contrib.auth import logout
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

from encryption.envelope import DecryptionFailed
from encryption.tenant_secrets import open_sealed, seal
from partner_engine import company_issuer
from partner_engine.company_issuer import Identity, IssuerFailed, NoLongerVouched
from partner_engine.sign_out import note_sign_out
from tenants.company_sign_in_models import CompanySignIn
from tenants.models import User, UserSession

#: The entries of the session: the sealed proof until the sign-in is complete, and then when it is checked again.
_PROOF: Final = "company_proof"
_CHECK: Final = "company_check"
_PURPOSE: Final = "company session"
#: How long a session goes on while its issuer does not respond, and after how many seconds it is asked again.
GRACE_SECONDS: Final = 3_600
_AGAIN_SECONDS: Final = 60
#: How long sockets stay open after a check was due: any request of the session makes it meanwhile.
OVERDUE_SECONDS: Final = 60

log = structlog.get_logger(__name__)


class Proof(msgspec.Struct, frozen=True):
    """What the issuer said at the sign-in: it is used at this issuer, for this client, alone."""

    issuer: str
    client_id: str
    subject: str
    refresh_token: str


def remember_proof(request: HttpRequest, user: User, identity: Identity, row: CompanySignIn) -> None:
    """Keep what the issuer of ``row`` said of ``user`` until their sign-in in this browser is complete."""
    proof = Proof(row.issuer, row.client_id, identity.subject, identity.refresh_token)
    request.session[_PROOF] = {"user": str(user.pk), "proof": _sealed(proof, row).hex()}


def take_proof(request: HttpRequest) -> dict[str, str] | None:
    """Remove the remembered proof from the session and return it, for ``begin_company_session``."""
    proof: dict[str, str] | None = request.session.pop(_PROOF, None)
    return proof


def begin_company_session(request: HttpRequest, proof: dict[str, str] | None) -> None:
    """Note of the session that has just begun when its issuer is asked again, if it began with the ``proof`` of one."""
    user = request.user
    # One of the same user in this browser may have gone before.
    request.session.pop(_CHECK, None)
    # Somebody else may have gone half the way in this browser.
    row = _sign_in_of(user) if proof and proof["user"] == str(user.pk) else None
    if proof is None or row is None:
        return
    UserSession.objects.filter(session_key=request.session.session_key).update(
        company_proof=bytes.fromhex(proof["proof"]), company_checked_at=Now()
    )
    request.session[_CHECK] = _next_check(row)


def overdue_checks(sessions: Mapping[str, tuple[User, Mapping[str, Any]]]) -> set[str]:
    """Return the keys of the sessions that have made no request for long after their issuer was to be asked again.

    ``sessions`` holds user and content by key. Queries only if there is such a session.
    """
    latest = time.time() - OVERDUE_SECONDS
    overdue = {
        key: user.tenant_id
        for key, (user, content) in sessions.items()
        if content.get(_CHECK) is not None and content[_CHECK]["at"] <= latest
    }
    if not overdue:
        return set()
    rows = CompanySignIn.objects.filter(tenant_id__in=set(overdue.values()), is_enabled=True)
    asked = set(rows.values_list("tenant_id", flat=True))
    return {key for key, tenant_id in overdue.items() if tenant_id in asked}


class CompanySessionMiddleware:
    """Ends the session of a user for whom the issuer no longer vouches, before the request is worked on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass ``request`` on, as that of nobody where its session has ended."""
        user: Any = request.user
        if user.is_authenticated:
            check = request.session.get(_CHECK)
            if check is not None and time.time() >= check["at"]:
                _check_again(request, user)
        return self.get_response(request)


def _check_again(request: HttpRequest, user: Any) -> None:
    row = _sign_in_of(user)
    if row is None:
        # Staff have turned the company sign-in off: present sessions stay.
        return
    session = UserSession.objects.filter(session_key=request.session.session_key)
    # Of several requests at once one asks: issuers take each refresh token once.
    since = Now() - timedelta(seconds=_AGAIN_SECONDS / 2)
    if not session.filter(company_checked_at__lt=since).update(company_checked_at=Now()):
        if not session.exists():
            _end(request, user, "the session is not noted")
        return
    proof = _proof_of(session.values_list("company_proof", flat=True).first(), row)
    if proof is None or not proof.refresh_token:
        _end(request, user, "it is time to sign in again")
        return
    try:
        token = company_issuer.renew(row, refresh_token=proof.refresh_token, subject=proof.subject)
    except NoLongerVouched as refused:
        _end(request, user, str(refused))
    except IssuerFailed as failed:
        check = request.session[_CHECK]
        if time.time() >= check["confirmed"] + GRACE_SECONDS:
            _end(request, user, str(failed))
            return
        log.warning("company_session_unchecked", user_id=str(user.pk), reason=str(failed))
        request.session[_CHECK] = {**check, "at": time.time() + _AGAIN_SECONDS}
    else:
        renewed = msgspec.structs.replace(proof, refresh_token=token or proof.refresh_token)
        session.update(company_proof=_sealed(renewed, row))
        request.session[_CHECK] = _next_check(row)


def _next_check(row: CompanySignIn) -> dict[str, float]:
    now = time.time()
    return {"confirmed": now, "at": now + row.session_minutes * 60}


def _end(request: HttpRequest, user: Any, reason: str) -> None:
    log.info("audit.company_session_ended", user_id=str(user.pk), reason=reason)
    note_sign_out(request)
    logout(request)


def _sign_in_of(user: Any) -> CompanySignIn | None:
    rows = CompanySignIn.objects.filter(tenant_id=user.tenant_id, is_enabled=True)
    return rows.first() if user.tenant_id is not None else None


def _proof_of(sealed: Any, row: CompanySignIn) -> Proof | None:
    """Return the proof, None without one that is of the present issuer and client: no other gets the token."""
    try:
        text = open_sealed(bytes(sealed or b""), tenant_id=row.tenant_id, purpose=_PURPOSE, owner=row.pk)
        proof = msgspec.json.decode(text, type=Proof)
    except (DecryptionFailed, msgspec.MsgspecError):
        return None
    return proof if (proof.issuer, proof.client_id) == (row.issuer, row.client_id) else None


def _sealed(proof: Proof, row: CompanySignIn) -> bytes:
    text = msgspec.json.encode(proof).decode()
    return seal(text, tenant_id=row.tenant_id, purpose=_PURPOSE, owner=row.pk)
