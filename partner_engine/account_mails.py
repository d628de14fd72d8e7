"""Mails about accounts that belong to no tenant's outbox: requested before the sign-in, or to staff.

A row is stored whether or not the address has an account, and the relay looks the account up: neither the response nor
its time depends on it. A claim is an update that only one relay makes; a relay that dies then only delays
the mail.
"""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPException
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DEFAULT_DB_ALIAS
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from actions.sweeps import sweep
from partner_engine.account_links import INVITATION_SECONDS, RESET_SECONDS, invitation_path, reset_path
from partner_engine.company_accounts import is_password_refused
from partner_engine.mail_messages import build_mail
from tenants.models import AccountMail, AccountMailKind, Tenant, User

#: Seconds until the next attempt, twice as long each time; a dead relay holds a mail for the first of them.
_FIRST_PAUSE: Final = 60
_MOST_ATTEMPTS: Final = 7
#: Mails that one sweep sends.
_AT_ONCE: Final = 20
#: A mail with a link that has expired is not sent.
_USEFUL: Final = {
    AccountMailKind.RESET: timedelta(seconds=RESET_SECONDS),
    AccountMailKind.INVITATION: timedelta(seconds=INVITATION_SECONDS),
    AccountMailKind.CHANGED: timedelta(days=7),
}
_TEMPLATES: Final = {
    AccountMailKind.RESET: "mails/account_reset.txt",
    AccountMailKind.INVITATION: "mails/account_invitation.txt",
    AccountMailKind.CHANGED: "mails/account_changed_by_staff.txt",
}
#: In place of both mails with a password's link where the tenant's passwords are refused.
_COMPANY: Final = "mails/account_company.txt"

log = structlog.get_logger(__name__)


def request_mail(kind: AccountMailKind, email: str, *, request: HttpRequest, change: str = "") -> None:
    """Store a mail to ``email``. Links in it lead to PUBLIC_URL, in development without one to the request's host."""
    AccountMail.objects.create(
        kind=kind,
        email=email,
        origin=origin_of(request),
        change=change,
        created_at=Now(),
        next_attempt_at=Now(),
    )


def origin_of(request: HttpRequest) -> str:
    """Return the address of this installation. The client writes the request's host, so only development uses it."""
    if settings.PUBLIC_URL or not settings.DEVELOPMENT:
        return settings.PUBLIC_URL.rstrip("/")
    return f"{request.scheme}://{request.get_host()}"


@sweep("account mails")
def send_due_mails(alias: str) -> None:
    """Send the mails that are due; they are in the shared database alone. Raises ``DatabaseError``."""
    if alias != DEFAULT_DB_ALIAS:
        return
    for mail in AccountMail.objects.filter(next_attempt_at__lte=Now()).order_by("next_attempt_at")[:_AT_ONCE]:
        if _claim(mail):
            _send(mail)


def _claim(mail: AccountMail) -> bool:
    """Return whether this process sends ``mail`` now."""
    pause = timedelta(seconds=_FIRST_PAUSE * 2**mail.attempts)
    due = AccountMail.objects.filter(pk=mail.pk, attempts=mail.attempts, next_attempt_at__lte=Now())
    return due.update(next_attempt_at=Now() + pause, attempts=F("attempts") + 1) == 1


def _send(mail: AccountMail) -> None:
    message = _message(mail)
    try:
        if message is not None:
            message.send()
    except (SMTPException, OSError) as error:
        if mail.attempts + 1 < _MOST_ATTEMPTS:
            log.warning("account_mail_failed", kind=mail.kind, reason=type(error).__name__)
            return
        log.error("account_mail_given_up", kind=mail.kind, reason=type(error).__name__)
    AccountMail.objects.filter(pk=mail.pk).delete()


def _message(mail: AccountMail) -> EmailMessage | None:
    """Return the mail as it is sent, None if there is nobody to write to, or it is too late."""
    kind = AccountMailKind(mail.kind)
    recipient = mail.email
    tenant: Tenant | None = None
    template = _TEMPLATES[kind]
    facts: dict[str, Any] = {"change": mail.change, "changed_at": mail.created_at, "email": mail.email}
    if timezone.now() - mail.created_at > _USEFUL[kind]:
        return None
    if kind != AccountMailKind.CHANGED:
        user = User.objects.with_email(mail.email).filter(is_active=True).select_related("tenant").first()
        if user is None:
            return None
        # The link opens the account, so it goes to the address of the account and never to one that was typed.
        recipient, tenant = user.email, user.tenant
        template, path = _way_in(user, kind)
        facts |= {"user": user, "email": recipient, "address": f"{mail.origin}{path}"}
    return build_mail(template, facts, to=[recipient], id=mail.pk, tenant=tenant)


def _way_in(user: User, kind: AccountMailKind) -> tuple[str, str]:
    """Return the template and the path of the link by which ``user`` gets in: a new password, or the company."""
    if user.tenant is not None and is_password_refused(user):
        return _COMPANY, reverse("web:company-go", args=(user.tenant.code,))
    return _TEMPLATES[kind], reset_path(user) if kind == AccountMailKind.RESET else invitation_path(user)
