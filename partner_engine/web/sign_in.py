"""Signing in to the agents' pages."""

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

WRONG: Final = "E-mail or password is wrong."
LOCKED_OUT: Final = "Too many wrong passwords: signing in from here is closed for 15 minutes."
_TEMPLATE: Final = "web/sign_in.html"


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    """Asks for e-mail and password. Staff go on to the admin."""

    template_name = _TEMPLATE
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """Return where who signed in goes unless they asked for a page."""
        user = self.request.user
        return reverse("admin:index") if isinstance(user, User) and user.tenant is None else reverse("web:forms")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell that something was wrong: in the same words whether or not there is such a person."""
        context = super().get_context_data(**kwargs)
        return {**context, "problem": WRONG if context["form"].errors else ""}


class SignOut(LogoutView):
    """Ends the session; who signed out no longer counts as active."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out."""
        note_sign_out(request)
        return super().post(request, *args, **kwargs)


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Answer a sign-in that is locked out, for django-axes: the same page with the reason."""
    shown = {"form": AuthenticationForm(request), "problem": LOCKED_OUT, "next": request.POST.get("next", "")}
    return render(request, _TEMPLATE, shown, status=429)
