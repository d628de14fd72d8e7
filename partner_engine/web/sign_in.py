"""The sign-in and sign-out of the agents' pages."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from partner_engine.sign_out import note_sign_out
from tenants.models import User

WRONG: Final = "The email address or the password is wrong."
LOCKED_OUT: Final = "There were too many failed sign-ins. Try again in 15 minutes."
LOCKED_OUT_SECONDS: Final = 15 * 60
_TEMPLATE: Final = "web/sign_in.html"


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    """The sign-in page, by email address and password. Staff are redirected to the admin."""

    template_name = _TEMPLATE
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """Return the page to open after the sign-in if no page was requested."""
        user = self.request.user
        return reverse("admin:index") if isinstance(user, User) and user.tenant is None else reverse("web:forms")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the error text, which is the same whether or not the user exists."""
        context = super().get_context_data(**kwargs)
        return {**context, "problem": WRONG if context["form"].errors else ""}


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
