"""The page behind a guest link with who asks, the exchange of the link for a session, and the guest's "I am done".

Mail scanners and previews that only request the link do not use it up: the secret is in the URL fragment, and only
the script of the page sends it.
"""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from batch.errors import (
    BatchError,
    GuestLinkBlocked,
    GuestLinkInvalid,
    NotFound,
    PhoneDigitsNeeded,
    WrongPhoneDigits,
)
from guests.service import Guest, access_guest, finish, follow_link, read_invitation
from partner_engine.attempt_limit import AttemptLimit
from partner_engine.client_addresses import client_address
from partner_engine.error_statuses import status_of
from partner_engine.guest_access import GUEST_SOCKET_COOKIE
from partner_engine.guest_language import translated
from partner_engine.tenant_middleware import act_as
from partner_engine.web.access import GUEST_COOKIE, for_visitors
from partner_engine.web.copy_view import read_context
from partner_engine.web.guest_words import welcome_of, words_before_digits
from partner_engine.web.visitors import GuestVisitor, Visitor
from tenants.access import Right
from tenants.limits import check
from tenants.limits.addresses import counted_address
from tenants.limits.check import RateLimited
from tenants.limits.scopes import GUEST_SESSION

_GUESSES: Final = AttemptLimit("guest_link")
_DEVICE_BYTES: Final = 16
#: Tells the page to ask for the last four digits of the guest's phone ("needed"), or that they were wrong too often
#: ("blocked").
DIGITS_HEADER: Final = "X-Phone-Digits"
_TOO_SOON: Final = "Your form was opened a moment ago. Wait 5 minutes, then open your link again."
_TOO_MANY: Final = "There were too many attempts. Wait 15 minutes, then open your link again."

_PLAIN: Final = "text/plain; charset=utf-8"

log = structlog.get_logger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    """Show the page behind a link (GET), or exchange the link's secret for a session (POST).

    A POST with ``look`` returns who asks, as JSON, and leaves the link as it is. A guest with a valid session is
    redirected to the form.
    """
    if request.method != "POST":
        response = _welcome(request, copy_id)
    else:
        response = _look(request, copy_id) if request.POST.get("look") else _exchange(request, copy_id)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_POST
@for_visitors(Right.WRITE_FORMS)
def done(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Record that the guest is done. The page then says what is left for the agent."""
    assert visitor.guest is not None  # noqa: S101 - guest URLs always have a guest
    finish(visitor.guest)
    return HttpResponse(status=204)


def _welcome(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    try:
        access_guest(copy_id, request.COOKIES.get(GUEST_COOKIE, ""))
    except GuestLinkInvalid:
        had_one = GUEST_COOKIE in request.COOKIES
        shown = {"device": secrets.token_urlsafe(_DEVICE_BYTES), "had_one": had_one}
        return render(request, "web/guest_link.html", shown)
    return redirect("guest:copy", copy_id)


def _look(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    """Return who asks the holder of the link. A wrong secret counts as an attempt to open the link."""
    address, secret = client_address(request), request.POST.get("secret", "")
    wait = _GUESSES.take(str(copy_id), address)
    if wait:
        return _too_many(copy_id, address, wait)
    try:
        invitation = read_invitation(copy_id, secret)
        act_as(request, actor=invitation.guest.actor, tenant=invitation.guest.tenant)
        visitor = GuestVisitor(invitation.guest)
        if invitation.needs_digits:
            words = words_before_digits(visitor)
        else:
            words = welcome_of(read_context(visitor.find(copy_id), request, visitor), visitor)
    except (GuestLinkInvalid, NotFound) as error:
        return HttpResponse(translated(str(error)), status=status_of(GuestLinkInvalid()), content_type=_PLAIN)
    _GUESSES.clear(str(copy_id), address)
    tenant = visitor.tenant
    logo = reverse("logo", args=[tenant.logo_id]) if tenant.logo_id else ""
    contact = " · ".join(filter(None, (tenant.phone, tenant.email)))
    title, time = translated(words.title), translated(words.time)
    return JsonResponse({"title": title, "time": time, "contact": contact, "logo": logo})


def _too_many(copy_id: UUID, address: str, wait: int) -> HttpResponse:
    log.warning("audit.guest_link_guesses_refused", address=address, copy_id=str(copy_id))
    response = HttpResponse(translated(_TOO_MANY), status=429, content_type=_PLAIN)
    response.headers["Retry-After"] = str(wait)
    return response


def _exchange(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    address, secret, device = client_address(request), request.POST.get("secret", ""), request.POST.get("device", "")
    digits = request.POST.get("digits", "").strip()
    if len(device) < _DEVICE_BYTES or len(device) > 100 or len(secret) > 100 or len(digits) > 20:
        return HttpResponse(status=400)
    once = check.visitor_subject(f"{copy_id}:{counted_address(address)}")
    try:
        check.take(GUEST_SESSION, once)
    except RateLimited as limited:
        response = HttpResponse(translated(_TOO_SOON), status=429, content_type=_PLAIN)
        response.headers["Retry-After"] = str(limited.retry_after)
        return response
    wait = _GUESSES.take(str(copy_id), address)
    if wait:
        check.give_back(GUEST_SESSION, once)
        return _too_many(copy_id, address, wait)
    try:
        guest, session = follow_link(copy_id, secret, device=device, digits=digits)
    except BatchError as error:
        check.give_back(GUEST_SESSION, once)
        status = status_of(error)
        if status >= 500:
            raise
        log.info("audit.guest_link_refused", address=address, copy_id=str(copy_id), reason=error.code)
        response = HttpResponse(translated(str(error)), status=status, content_type=_PLAIN)
        if isinstance(error, PhoneDigitsNeeded):
            # The secret was right: that the page asks for more is no guess.
            _GUESSES.clear(str(copy_id), address)
        if isinstance(error, PhoneDigitsNeeded | WrongPhoneDigits):
            response.headers[DIGITS_HEADER] = "needed"
        if isinstance(error, GuestLinkBlocked):
            response.headers[DIGITS_HEADER] = "blocked"
        return response
    _GUESSES.clear(str(copy_id), address)
    log.info("audit.guest_link_followed", address=address, copy_id=str(copy_id), link=str(guest.link_id))
    response = HttpResponse(reverse("guest:copy", args=[copy_id]), content_type=_PLAIN)
    _set_session_cookies(response, guest, session)
    return response


def _set_session_cookies(response: HttpResponse, guest: Guest, session: str) -> None:
    """Set the session cookies, limited to this copy's pages and socket and to the lifetime of the link."""
    seconds = max(1, int((guest.expires_at - timezone.now()).total_seconds()))
    pages = reverse("guest:open", args=[guest.copy_id])
    for name, path in ((GUEST_COOKIE, pages), (GUEST_SOCKET_COOKIE, f"/ws/copies/{guest.copy_id}/")):
        response.set_cookie(
            name,
            session,
            max_age=seconds,
            path=path,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
