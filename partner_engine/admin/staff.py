"""The rights that the permissions of staff give them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.http import HttpRequest

from tenants.access import Actor, Right
from tenants.models import User

#: The permissions for rights that the role of staff does not include.
RIGHT_PERMISSIONS: Final = {
    Right.READ_PERSONAL: "copies.read_personal",
    Right.REVEAL_SENSITIVE: "copies.reveal_sensitive",
}


def may(request: HttpRequest, right: Right) -> bool:
    """Return whether the permissions of the signed-in user include ``right``."""
    return request.user.has_perm(RIGHT_PERMISSIONS[right])


def staff_actor(request: HttpRequest) -> Actor:
    """Return the signed-in user as an actor, with the rights of their role and their permissions."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the admin admits only users
    actor = user.as_actor(source="admin")
    return replace(actor, rights=actor.rights | {right for right in RIGHT_PERMISSIONS if may(request, right)})
