"""Passwords without a sign-in: the mail with a link, and the page behind the link of a reset or an invitation.

The link is Django's: its token moves into the session, so that no later address contains it. A mail scanner that opens
the link uses nothing up; only a new password does.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from axes.utils import reset as unlock
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from partner_engine.account_changes import PASSWORD_CHOSEN, PASSWORD_LENGTH, PASSWORD_RESET, change_password
from partner_engine.account_links import INVITATION_TOKENS, RESET_TOKENS
from partner_engine.account_mails import request_mail
from partner_engine.client_addresses import client_address
from partner_engine.error_pages import too_many_requests
from tenants.backends import forget_attempts
from tenants.limits import check
from tenants.limits.check import RateLimited, Subject
from tenants.limits.scopes import ACCOUNT_MAILS
from tenants.models import AccountMailKind, User

EMAIL_LENGTH: Final = 254
_FORGOT: Final = "web/forgot_password.html"

log = structlog.get_logger(__name__)


@never_cache
@require_http_methods(["GET", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """Ask for an email address (GET), and send a link to it (POST). The response is the same for every address."""
    if request.method != "POST":
        return render(request, _FORGOT)
    email = request.POST.get("email", "").strip().lower()
    try:
        validate_email(email[: EMAIL_LENGTH + 1])
    except ValidationError:
        return render(request, _FORGOT, {"problem": "Enter your email address.", "email": email}, status=422)
    address = client_address(request)
    try:
        check.take(ACCOUNT_MAILS, check.address_subject(address))
    except RateLimited as limited:
        log.warning("audit.password_resets_refused", address=address)
        return too_many_requests(request, limited.retry_after)
    try:
        check.take(ACCOUNT_MAILS, Subject(f"mail:{email}"))
    except RateLimited:
        # Somebody fills a mailbox: the page is the same, and the mails before are still valid.
        log.warning("audit.password_resets_refused", address=address)
    else:
        log.info("audit.password_reset_requested", address=address)
        request_mail(AccountMailKind.RESET, email, request=request)
    return render(request, _FORGOT, {"is_sent": True, "email": email})


class SetPassword(PasswordResetConfirmView):
    """The page behind the link of a reset."""

    template_name = "web/set_password.html"
    token_generator: PasswordResetTokenGenerator = RESET_TOKENS
    title = "Choose a new password"
    #: The subject of the mail about the change, and the notice on the sign-in page.
    change = PASSWORD_RESET
    done = "reset"

    def get_user(self, uidb64: str) -> User | None:
        """Return the active user of the link, None without one."""
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active else None

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        """Show the page; a link that is no longer valid is 404, wrong passwords are 422."""
        status = 404 if not context["validlink"] else 422 if context["form"].errors else 200
        return super().render_to_response(context, status=status, **options)

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the password, end all sessions, and let the user sign in."""
        password = form.cleaned_data["new_password1"]
        if len(password) > PASSWORD_LENGTH:
            form.add_error("new_password1", f"Use at most {PASSWORD_LENGTH} characters.")
            return self.form_invalid(form)
        user: User = form.user
        change_password(user, user.tenant, password, change=self.change)
        del self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        # Who has the mailbox of the account is no guesser.
        unlock(username=user.email, ip=client_address(self.request))
        forget_attempts(user.email, client_address(self.request))
        return redirect(f"{reverse('web:sign-in')}?done={self.done}")


class AcceptInvitation(SetPassword):
    """The page behind the link of an invitation."""

    token_generator = INVITATION_TOKENS
    title = "Welcome to Partner Engine"
    change = PASSWORD_CHOSEN
    done = "invited"
