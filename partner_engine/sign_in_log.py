"""Log lines about sign-ins and sign-outs, without names and passwords: the user's id, or none for a refused one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import structlog
from axes.models import AccessLog
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from partner_engine.client_addresses import client_address

#: How long the table of sign-ins keeps addresses and browsers.
_RETENTION: Final = timedelta(days=90)

log = structlog.get_logger(__name__)


def note_sign_in(sender: object, request: HttpRequest | None, user: Any, **kwargs: object) -> None:
    """Log that ``user`` signed in."""
    log.info("sign_in", user_id=str(user.pk), role=getattr(user, "role", ""), address=_address(request))


def note_refused_sign_in(sender: object, request: HttpRequest | None = None, **kwargs: object) -> None:
    """Log that a sign-in was refused. The name that was typed may be a password, so it is left out."""
    log.warning("sign_in_refused", address=_address(request))


def note_signed_out(sender: object, request: HttpRequest | None, user: Any, **kwargs: object) -> None:
    """Log that ``user`` signed out; nothing where nobody was signed in."""
    if user is not None:
        log.info("sign_out", user_id=str(user.pk), address=_address(request))


def log_sign_ins() -> None:
    """Log sign-ins from now on; Django reports them by its signals only."""
    user_logged_in.connect(note_sign_in)
    user_login_failed.connect(note_refused_sign_in)
    user_logged_out.connect(note_signed_out)


def old_sign_ins() -> QuerySet[AccessLog]:
    """Return the rows of sign-ins that are no longer kept."""
    return AccessLog.objects.filter(attempt_time__lt=Now() - _RETENTION)


def _address(request: HttpRequest | None) -> str:
    return client_address(request) if request is not None else ""
