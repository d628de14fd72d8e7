"""The locks of copies in the admin: the list of held locks, and the release of a stuck lock."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from redis.exceptions import RedisError

from batch.locks.inspection import HeldLock, held_lock, list_held_locks, release_held_lock
from partner_engine.admin.staff import staff_actor
from partner_engine.admin.viewing import tenant_names
from tenants.current_tenant import current_scope
from tenants.models import Tenant

RELEASE: Final = "copies.release_lock"
VIEW: Final = "copies.view_copy"


def shown_lock(request: HttpRequest, copy: Any) -> dict[str, Any]:
    """Return the template context for a copy's lock: ``lock`` (None if it is not held) and ``may_release``."""
    try:
        lock = held_lock(copy.tenant_id, copy.pk)
    except RedisError:
        return {"lock": None, "is_lock_unknown": True}
    return {"lock": lock, "may_release": lock is not None and request.user.has_perm(RELEASE)}


def ask_for_release(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the confirmation page for releasing a copy's lock. Raises ``PermissionDenied``."""
    _require(request, RELEASE)
    page = {**context, **shown_lock(request, context["copy"]), "title": "Release lock"}
    return render(request, "admin/copies/copy/release_lock.html", page)


def release(request: HttpRequest, copy: Any) -> tuple[HttpResponseRedirect, str]:
    """Release the lock of ``copy`` if its holder is still the one on the confirmation page.

    Returns the redirect to the copy and the text for its log ("" if nothing was released). Raises
    ``PermissionDenied``.
    """
    _require(request, RELEASE)
    back, done = redirect("admin:copies_copy_change", copy.pk), ""
    try:
        lock = held_lock(copy.tenant_id, copy.pk)
        is_same = lock is not None and lock.info.identity == request.POST.get("holding")
        if lock is not None and is_same and release_held_lock(lock, actor=staff_actor(request)):
            done = f"Released the lock, held by {_who(lock)}."
            messages.success(request, done)
        else:
            messages.info(request, "That lock has already been released. Nothing was changed.")
    except RedisError:
        messages.error(request, "Redis is not responding, so no lock is held.")
    return back, done


def locks_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """List the locks that are held on copies of the tenants in scope. Raises ``PermissionDenied``."""
    _require(request, VIEW)
    page: dict[str, Any] = {**context, "title": "Locks", "may_release": request.user.has_perm(RELEASE)}
    try:
        seen = _tenants_in_scope()
        page["locks"] = [(lock, seen[lock.tenant_id]) for lock in list_held_locks() if lock.tenant_id in seen]
    except RedisError:
        page["is_lock_unknown"] = True
    return render(request, "admin/locks.html", page)


def _tenants_in_scope() -> dict[UUID, str]:
    scope = current_scope()
    if scope is None:
        return {}
    if scope.tenant is not None:
        return tenant_names([scope.tenant.pk])
    return {tenant.pk: tenant.name for tenant in Tenant.objects.all() if tenant.database_alias == scope.alias}


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _who(lock: HeldLock) -> str:
    return f"{lock.holder.who} ({lock.holder.where})" if lock.holder else "an unknown process"
