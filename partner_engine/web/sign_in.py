"""Signing in and out of the agents' pages."""

from __future__ import annotations

from typing import Any, Final

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.utils.decorators import method_decorator

from tenants.models import User

WRONG: Final = "E-mail or password is wrong."
LOCKED_OUT: Final = "Too many wrong passwords: signing in from here is closed for 15 minutes."


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    """Asks for e-mail and password. Staff go to the admin, which asks for a second factor where they have one."""

    template_name = "web/sign_in.html"
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """Return where who signed in goes unless they asked for a page."""
        user = self.request.user
        return reverse("admin:index") if isinstance(user, User) and user.tenant is None else reverse("web:forms")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell what was wrong: the same words whether or not there is such a person."""
        locked_out = self.request.method == "POST" and not AxesProxyHandler.is_allowed(self.request, self._credentials())
        return super().get_context_data(problem=LOCKED_OUT if locked_out else WRONG, **kwargs)

    def _credentials(self) -> dict[str, str]:
        return {"username": self.request.POST.get("username", "")}


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None) -> HttpResponse:
    """Answer a sign-in that is locked out, for django-axes: the sign-in page again, with the reason."""
    view = SignIn()
    view.setup(request)
    form = view.get_form()
    form.add_error(None, LOCKED_OUT)
    answer = view.render_to_response({**view.get_context_data(form=form), "problem": LOCKED_OUT})
    answer.status_code = 429
    answer.render()
    return answer
