"""The access of staff: signed in without a tenant, and past the second factor. For the admin and views of staff."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from tenants.models import User


def may_enter(request: HttpRequest) -> bool:
    """Return whether the user is active staff without a tenant and has passed their second factor."""
    user = request.user
    if not isinstance(user, User) or not (user.is_active and user.is_staff and user.tenant_id is None):
        return False
    return user.is_verified() or not has_second_factor(request)  # type: ignore[attr-defined]


def must_set_up_factor(request: HttpRequest) -> bool:
    """Return whether the signed-in member of staff has to set up a second factor before anything else."""
    return settings.STAFF_SECOND_FACTOR and not has_second_factor(request)


def has_second_factor(request: HttpRequest) -> bool:
    """Return whether the signed-in user has a second factor. Queried once per request."""
    known: bool | None = getattr(request, "has_second_factor", None)
    if known is None:
        known = TOTPDevice.objects.filter(user=request.user, confirmed=True).exists()
        request.has_second_factor = known  # type: ignore[attr-defined]
    return known
