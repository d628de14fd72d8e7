"""The sign-in with the account of one's company (OpenID Connect): the page that asks for the address, the way to the
issuer, and back.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Final

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from partner_engine import company_issuer
from partner_engine.account_mails import origin_of
from partner_engine.client_addresses import client_address
from partner_engine.company_accounts import NoAccount, account_of, sign_in_for_domain
from partner_engine.company_issuer import Attempt, IssuerFailed
from partner_engine.company_sessions import remember_proof
from partner_engine.error_pages import too_many_requests
from partner_engine.web.sign_in import sign_in_or_ask
from tenants.company_sign_in_models import CompanySignIn
from tenants.limits import check
from tenants.limits.errors import RateLimited
from tenants.limits.scopes import AUTH

_TEMPLATE: Final = "web/company_sign_in.html"
#: The session's entry about a sign-in under way, and for how many seconds it is valid.
_ENTRY: Final = "company_sign_in"
_SECONDS: Final = 600
_UNKNOWN: Final = "No agency signs in this way with such an address. Sign in with your password."
_FAILED: Final = "The sign-in did not work. Try again, or ask the administrator of your agency."

log = structlog.get_logger(__name__)


@never_cache
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for the address (GET), then show the way to the issuer of its domain (POST).

    A link leads there, because the pages' policy lets no form lead to another site.
    """
    following = request.POST.get("next", request.GET.get("next", ""))
    if request.method != "POST":
        return render(request, _TEMPLATE, {"next": following})
    if refused := _counted(request):
        return refused
    email = request.POST.get("email", "").strip()[:254]
    row = sign_in_for_domain(email)
    if row is None:
        return render(request, _TEMPLATE, {"problem": _UNKNOWN, "email": email, "next": following}, status=422)
    return render(request, _TEMPLATE, {"code": row.tenant.code, "issuer": row.issuer, "next": following})


@never_cache
@require_GET
def go(request: HttpRequest, code: str) -> HttpResponse:
    """Send the browser to the issuer of the tenant ``code``."""
    if refused := _counted(request):
        return refused
    row = _enabled(code)
    try:
        address, attempt = company_issuer.begin(row, redirect_uri=_redirect_uri(row, request))
    except IssuerFailed as failed:
        return _refused(request, row, str(failed), status=502)
    request.session[_ENTRY] = {
        **asdict(attempt),
        "tenant": row.tenant.code,
        "until": time.time() + _SECONDS,
        "next": _own_page(request, request.GET.get("next", "")),
    }
    return redirect(address)


@never_cache
@require_GET
def finish(request: HttpRequest, code: str) -> HttpResponse:
    """Sign in the person for whom the issuer of the tenant ``code`` vouches. Each attempt is good for one return of the
    browser.

    Every issuer has an address of its own to return to: else one that sends the browser on to another issuer would get
    the code of that one, and with it the account (RFC 9700, 4.4, mix-up).
    """
    if refused := _counted(request):
        return refused
    entry: Any = request.session.pop(_ENTRY, None)
    if not isinstance(entry, dict) or entry["until"] < time.time():
        return redirect("web:company-sign-in")
    row = _enabled(entry["tenant"])
    if code != row.tenant.code:
        return _refused(request, row, f"The browser came back from the issuer of {code}.", status=403)
    attempt = Attempt(state=entry["state"], nonce=entry["nonce"], verifier=entry["verifier"])
    try:
        identity = company_issuer.finish(
            row, attempt, returned_to=request.build_absolute_uri(), redirect_uri=_redirect_uri(row, request)
        )
        user = account_of(identity, row)
    except IssuerFailed as failed:
        return _refused(request, row, str(failed), status=403)
    except NoAccount as missing:
        log.warning("audit.company_sign_in_without_account", tenant=row.tenant.code, address=client_address(request))
        return render(request, _TEMPLATE, {"problem": str(missing)}, status=403)
    log.info("audit.company_sign_in", user_id=str(user.pk), tenant=row.tenant.code)
    remember_proof(request, user, identity, row)
    return sign_in_or_ask(request, user, following=entry["next"])


def _enabled(code: str) -> CompanySignIn:
    """Return the company sign-in of the tenant ``code``. Raises ``Http404``."""
    row = CompanySignIn.objects.select_related("tenant").filter(tenant__code=code, is_enabled=True).first()
    if row is None:
        raise Http404
    return row


def _redirect_uri(row: CompanySignIn, request: HttpRequest) -> str:
    return f"{origin_of(request)}{reverse('web:company-finish', args=[row.tenant.code])}"


def _own_page(request: HttpRequest, address: str) -> str:
    is_own = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_own else ""


def _refused(request: HttpRequest, row: CompanySignIn, reason: str, *, status: int) -> HttpResponse:
    log.warning("audit.company_sign_in_failed", tenant=row.tenant.code, reason=reason, address=client_address(request))
    return render(request, _TEMPLATE, {"problem": _FAILED}, status=status)


def _counted(request: HttpRequest) -> HttpResponse | None:
    """Count the request among the sign-ins of its address; return the refusal at the limit."""
    try:
        check.take(AUTH, check.address_subject(client_address(request)))
    except RateLimited as limited:
        return too_many_requests(request, limited.retry_after)
    return None
