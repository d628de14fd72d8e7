"""Who is at the admin: members of staff, and what their permissions let them do with answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from tenants.access import Actor, Right
from tenants.models import User

#: The permissions behind the rights that a role alone does not give staff.
RIGHT_PERMISSIONS: Final = {
    Right.READ_PERSONAL: "copies.read_personal",
    Right.REVEAL_SENSITIVE: "copies.reveal_sensitive",
}


def may_enter(request: HttpRequest) -> bool:
    """Tell whether it is staff who ask: active, of no tenant, and through the second factor if they have one."""
    user = request.user
    if not isinstance(user, User) or not (user.is_active and user.is_staff and user.tenant_id is None):
        return False
    return user.is_verified() or not has_second_factor(request)  # type: ignore[attr-defined]


def has_second_factor(request: HttpRequest) -> bool:
    """Tell whether the signed-in user set a second factor up; asked once per request."""
    known: bool | None = getattr(request, "has_second_factor", None)
    if known is None:
        known = TOTPDevice.objects.filter(user=request.user, confirmed=True).exists()
        request.has_second_factor = known  # type: ignore[attr-defined]
    return known


def may(request: HttpRequest, right: Right) -> bool:
    """Tell whether the signed-in member of staff has ``right`` by their permissions."""
    return request.user.has_perm(RIGHT_PERMISSIONS[right])


def staff_actor(request: HttpRequest) -> Actor:
    """Return the signed-in member of staff as an actor: the rights of their role and those of their permissions."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the admin lets nobody else in
    actor = user.as_actor(source="admin")
    return replace(actor, rights=actor.rights | {right for right in RIGHT_PERMISSIONS if may(request, right)})
