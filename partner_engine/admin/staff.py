"""The access of staff to the admin, and the rights that their permissions give them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from tenants.access import Actor, Right
from tenants.models import User

#: The permissions for rights that the role of staff does not include.
RIGHT_PERMISSIONS: Final = {
    Right.READ_PERSONAL: "copies.read_personal",
    Right.REVEAL_SENSITIVE: "copies.reveal_sensitive",
}


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


def may(request: HttpRequest, right: Right) -> bool:
    """Return whether the permissions of the signed-in user include ``right``."""
    return request.user.has_perm(RIGHT_PERMISSIONS[right])


def staff_actor(request: HttpRequest) -> Actor:
    """Return the signed-in user as an actor, with the rights of their role and their permissions."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the admin admits only users
    actor = user.as_actor(source="admin")
    return replace(actor, rights=actor.rights | {right for right in RIGHT_PERMISSIONS if may(request, right)})
