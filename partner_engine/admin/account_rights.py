"""The accounts and API clients that staff may edit: none with more rights than they have themselves.

To set the password, the address or the role of an account is to have its rights; so is a new secret of an API client.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.auth.models import Permission
from django.db.models import Q

from partner_engine.admin.staff import RIGHT_PERMISSIONS
from tenants.access import BEYOND_TENANT, ROLE_RIGHTS, Right, Role
from tenants.models import ApiClient, User

#: The permission of staff that goes as far as a right within a tenant. The other rights come with the permission to
#: change users or API clients itself; those beyond a tenant are given by superusers only.
_PERMISSIONS: Final = {
    **RIGHT_PERMISSIONS,
    Right.READ_FORMS: "copies.view_copy",
    Right.MANAGE_WEBHOOKS: "webhooks.change_webhookendpoint",
    Right.MANAGE_AGENCY: "tenants.change_tenant",
    Right.MANAGE_PERSONS: "operations.erase_person",
}


def missing_for_rights(editor: Any, rights: Iterable[str]) -> list[str]:
    """Return what ``editor`` lacks to give these rights, in the words of the admin; empty if nothing."""
    known = [Right(right) for right in rights]
    if editor.is_superuser:
        return []
    missing = {_PERMISSIONS[right] for right in known if right in _PERMISSIONS}
    lacking = sorted(permission for permission in missing if not editor.has_perm(permission))
    return lacking + [right.value for right in known if right in BEYOND_TENANT]


def missing_for_role(editor: Any, role: str) -> list[str]:
    """Return what ``editor`` lacks to make somebody a ``role``."""
    return missing_for_rights(editor, ROLE_RIGHTS[Role(role)] if role != Role.STAFF else ())


def missing_for_user(editor: Any, user: User) -> list[str]:
    """Return what ``editor`` lacks to edit ``user``. An inactive account counts with what it has when active."""
    if editor.is_superuser:
        return []
    if user.is_superuser:
        return ["superuser"]
    own = Permission.objects.filter(Q(user=user) | Q(group__user=user)).select_related("content_type")
    names = {f"{permission.content_type.app_label}.{permission.codename}" for permission in own}
    return sorted(name for name in names if not editor.has_perm(name)) + missing_for_role(editor, user.role)


def missing_for_client(editor: Any, client: ApiClient) -> list[str]:
    """Return what ``editor`` lacks to edit ``client``, or to see a secret of it."""
    return missing_for_rights(editor, client.allowed_scopes)
