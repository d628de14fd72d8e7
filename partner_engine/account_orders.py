"""Orders of staff and tenant administrators about the accounts of others: logged with both ids, and reported to the
user by mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog
from django.http import HttpRequest

from partner_engine.account_mails import request_mail
from partner_engine.user_sessions import end_all_sessions, end_one_session
from tenants.models import AccountMailKind, User

#: The subjects of mails about changed fields; changes of the others are reported to nobody.
_CHANGES: Final = {
    "password": "Your password was set",
    "email": "The email address of your account was changed",
    "role": "The role of your account was changed",
    "tenant": "The agency of your account was changed",
    "is_active": "Your account was switched on or off",
}

log = structlog.get_logger(__name__)


def report_edited_account(request: HttpRequest, before: User, changed: Iterable[str]) -> None:
    """Report changes of the fields ``changed`` to the address that the account had ``before``."""
    if before.pk == request.user.pk:
        return
    for field in _CHANGES.keys() & set(changed):
        _log(request, before, _CHANGES[field])
        request_mail(AccountMailKind.CHANGED, before.email, request=request, change=_CHANGES[field])


def invite(request: HttpRequest, user: User) -> None:
    """Send ``user`` a link to choose a password."""
    _log(request, user, "An invitation was sent")
    request_mail(AccountMailKind.INVITATION, user.email, request=request)


def end_sessions_of(request: HttpRequest, user: User) -> None:
    """End all sessions of ``user``."""
    _log(request, user, "All sessions were ended")
    end_all_sessions(user)


def _log(request: HttpRequest, user: User, change: str) -> None:
    log.info("audit.account_edited", user_id=str(user.pk), by=str(request.user.pk), change=change)


def end_session_of(request: HttpRequest, user: User, key: str) -> None:
    """End the session of ``user`` that the list named ``key``; without the cache all of them end."""
    _log(request, user, "A session was ended")
    end_one_session(user, key)
