"""The sign-in and sign-out of the agents' pages: a password, then a code where the user has a second factor."""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_otp import login as verify_session

from partner_engine.attempt_limit import AttemptLimit
from partner_engine.client_addresses import client_address
from partner_engine.company_accounts import is_password_refused
from partner_engine.company_sessions import begin_company_session, take_proof
from partner_engine.second_factors import TooEarly, confirmed_device, device_with
from partner_engine.sign_out import note_sign_out
from partner_engine.user_sessions import begin_session
from tenants.models import User

WRONG: Final = "The email address or the password is wrong."
COMPANY_ONLY: Final = "Your agency signs in with the accounts of the company. Use the link below."
BACKEND: Final = "tenants.backends.EmailBackend"
LOCKED_OUT: Final = "There were too many failed sign-ins. Try again in 15 minutes."
LOCKED_OUT_SECONDS: Final = 15 * 60
_TEMPLATE: Final = "web/sign_in.html"
_CODE_TEMPLATE: Final = "web/sign_in_code.html"
WRONG_CODE: Final = "This code is wrong or too old. Enter the code that the app shows now, or a recovery code."
TOO_MANY_CODES: Final = "There were too many wrong codes. Wait {} seconds, then try again."
_NOTICES: Final = {
    "reset": "Your password is changed. Sign in with it.",
    "invited": "Your password is saved. Sign in with it.",
}
#: The session's entry about somebody whose password was right, and for how many seconds it is valid.
_PENDING: Final = "second_factor"
_PENDING_SECONDS: Final = 300
_CODES: Final = AttemptLimit("second_factor")

log = structlog.get_logger(__name__)


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    """The sign-in page, by email address and password. Staff are redirected to the admin."""

    template_name = _TEMPLATE
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """Return the page to open after the sign-in if no page was requested."""
        user = self.request.user
        return reverse("admin:index") if isinstance(user, User) and user.tenant is None else reverse("web:forms")

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign the user in, or ask for the code of their second factor first."""
        user = form.get_user()
        if not isinstance(user, User):
            return super().form_valid(form)
        if is_password_refused(user):
            form.add_error(None, COMPANY_ONLY)
            return self.form_invalid(form)
        return sign_in_or_ask(self.request, user, following=self.get_redirect_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the error text, which is the same whether or not the user exists, and what was just done."""
        context = super().get_context_data(**kwargs)
        notice = _NOTICES.get(self.request.GET.get("done", ""), "")
        problem = WRONG if context["form"].errors else ""
        if COMPANY_ONLY in context["form"].non_field_errors():
            problem = COMPANY_ONLY
        return {**context, "problem": problem, "notice": notice}


def sign_in_or_ask(request: HttpRequest, user: User, *, following: str) -> HttpResponse:
    """Sign in ``user``, who has shown who they are, or ask for the code of their second factor first; then open the
    page ``following``, or without one their own.
    """
    if confirmed_device(user) is None:
        _sign_in(request, user, backend=BACKEND)
        return redirect(following or _home(user))
    request.session[_PENDING] = {
        "user": str(user.pk),
        "hash": user.get_session_auth_hash(),
        "backend": BACKEND,
        "until": time.time() + _PENDING_SECONDS,
        "next": following,
    }
    return redirect("web:sign-in-code")


def _sign_in(request: HttpRequest, user: User, *, backend: str) -> None:
    # Taken before: the sign-in empties the session if another user is signed in in this browser.
    proof = take_proof(request)
    login(request, user, backend=backend)
    begin_session(request, user)
    begin_company_session(request, proof)


def _home(user: User) -> str:
    return reverse("admin:index") if user.tenant_id is None else reverse("web:forms")


@never_cache
@require_http_methods(["GET", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the second factor of somebody whose password was right (GET), or check it (POST)."""
    pending = request.session.get(_PENDING)
    user = _pending_user(pending)
    if pending is None or user is None:
        request.session.pop(_PENDING, None)
        return redirect("web:sign-in")
    if request.method != "POST":
        return render(request, _CODE_TEMPLATE)
    # Counted before it is checked, as passwords are, so that attempts at the same time cannot exceed the limit.
    wait = _CODES.take(str(user.pk), client_address(request))
    if wait:
        return _ask_to_wait(request, TOO_MANY_CODES.format(wait), wait)
    try:
        device = device_with(user, request.POST.get("code", "")[:40])
    except TooEarly as early:
        return _ask_to_wait(request, str(early), early.wait)
    if device is None:
        log.warning("audit.second_factor_refused", user_id=str(user.pk), address=client_address(request))
        return render(request, _CODE_TEMPLATE, {"problem": WRONG_CODE})
    _CODES.clear(str(user.pk), client_address(request))
    request.session.pop(_PENDING)
    _sign_in(request, user, backend=pending["backend"])
    verify_session(request, device)
    return redirect(pending["next"] or _home(user))


def _ask_to_wait(request: HttpRequest, problem: str, seconds: int) -> HttpResponse:
    response = render(request, _CODE_TEMPLATE, {"problem": problem}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _pending_user(pending: Any) -> User | None:
    """Return the user who has entered the password, None without one, or if it was too long ago or changed since."""
    if not isinstance(pending, dict) or pending["until"] < time.time():
        return None
    user = User.objects.select_related("tenant").filter(pk=pending["user"], is_active=True).first()
    return user if user is not None and user.has_session_hash(pending["hash"]) else None


class SignOut(LogoutView):
    """Ends the session and removes the user from the active users."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session of the request."""
        note_sign_out(request)
        return super().post(request, *args, **kwargs)


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Return the sign-in page with the lockout message. Called by django-axes."""
    shown = {"form": AuthenticationForm(request), "problem": LOCKED_OUT, "next": request.POST.get("next", "")}
    refused = render(request, _TEMPLATE, shown, status=429)
    refused["Retry-After"] = str(getattr(request, "sign_in_wait", LOCKED_OUT_SECONDS))
    return refused
