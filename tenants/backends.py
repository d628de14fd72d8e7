"""Sign-in by email address without case, with a limit of attempts, and the user of a session.

The lock-out of django-axes counts failures after they happened. Here an attempt is counted before the password is
checked, so that concurrent attempts cannot exceed the limit, and a correct one is given back.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from axes.helpers import get_client_ip_address, get_client_username
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants.caller_rows import USERS
from tenants.limits import check
from tenants.limits.addresses import counted_address
from tenants.limits.check import RateLimited, Subject
from tenants.limits.scopes import AUTH
from tenants.models import User

log = structlog.get_logger(__name__)


class EmailBackend(ModelBackend):
    """Django's backend; a wrong address takes as long as a wrong password."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the user, None for a wrong password. Raises ``PermissionDenied`` at the limit; axes shows its page."""
        if request is None:
            return super().authenticate(request, username=username, password=password, **kwargs)
        address = str(get_client_ip_address(request))
        name = get_client_username(request, {"username": username})
        subjects = (_subject(name, address), check.address_subject(address))
        try:
            check.take(AUTH, *subjects)
        except RateLimited as limited:
            log.warning("audit.sign_ins_refused", address=address)
            request.axes_locked_out = True  # type: ignore[attr-defined]
            request.sign_in_wait = limited.retry_after  # type: ignore[attr-defined]
            raise PermissionDenied from limited
        user: User | None = super().authenticate(request, username=username, password=password, **kwargs)
        if user is not None:
            check.give_back(AUTH, *subjects)
        return user

    def get_user(self, user_id: UUID) -> User | None:
        """Return the active user of a session, with the tenant in the same query, or None."""
        user = USERS.find(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None


def forget_attempts(name: str, address: str) -> None:
    """Reset the attempts of a user name at an address, so that it is no longer locked out."""
    check.clear(AUTH, _subject(name, address))


def _subject(name: str, address: str) -> Subject:
    return Subject(f"sign_in:{counted_address(address)}:{name}")
