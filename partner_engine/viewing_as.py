"""Staff view the product as one of its agents: to see what the agent sees, without changing anything.

The session stays that of staff; below the agents' pages and the API the request has the agent as its user, with rights
that both have, for an hour at most. Every write is refused, each page names both in a banner, and each line of the log
names the member of staff (``viewed_by``). So no record ever names an agent who did nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars

from partner_engine.error_pages import respond_with_error
from partner_engine.staff_access import may_enter, must_set_up_factor
from tenants.access import Right
from tenants.models import User

SECONDS: Final = 3_600
#: The entry of the session: the user's id, and until when.
_ENTRY: Final = "viewing_as"
#: Paths that stay those of staff: the admin, the own session, and the end of the view.
_OF_STAFF: Final = ("/admin/", "/sign-in", "/sign-out", "/viewing-as/", "/static/", "/password/", "/invitation/")
#: Pages of the agent alone.
_PRIVATE: Final = ("/account",)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: The rights that a view lends to every member of staff, and those that need a permission of the admin.
_LENT: Final = frozenset({Right.READ_FORMS, Right.READ_CATALOGUE})
_WITH_PERMISSION: Final = {Right.READ_PERSONAL: "copies.read_personal"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """A view of staff in a request: the agent as ``user``, and the member of staff."""

    user: User
    staff: User


def begin_view(request: HttpRequest, user: User, *, reason: str) -> None:
    """Let the member of staff of ``request`` view the product as ``user`` from now on."""
    request.session[_ENTRY] = {"user": str(user.pk), "until": time.time() + SECONDS}
    log.warning("audit.view_as_begun", user_id=str(user.pk), staff_id=str(request.user.pk), reason=reason)


def end_view(request: HttpRequest) -> None:
    """End the view of ``request``, if any."""
    entry = request.session.pop(_ENTRY, None)
    if entry is not None:
        log.warning("audit.view_as_ended", user_id=entry["user"], staff_id=str(request.user.pk))


class ViewingAsMiddleware:
    """Replaces the user of a request by the agent whom staff view. After the second factor's middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request`` as the agent whom staff view, or unchanged."""
        view = None if request.path.startswith(_OF_STAFF) else _view_of(request)
        if view is None:
            return self.get_response(request)
        request.user = view.user
        request.viewed_by = view.staff  # type: ignore[attr-defined]
        bind_contextvars(viewed_by=f"staff:{view.staff.pk}")
        if request.method not in _SAFE or request.path.startswith(_PRIVATE):
            log.warning("audit.view_as_refused", user_id=str(view.user.pk), path=request.path, method=request.method)
            text = "You view the product as somebody else, so nothing can be changed. End the view first."
            return respond_with_error(request, 403, "viewing_as", text)
        return self.get_response(request)


def _view_of(request: HttpRequest) -> View | None:
    """Return the view of the signed-in member of staff, None without a valid one."""
    staff: Any = request.user
    entry = request.session.get(_ENTRY) if staff.is_authenticated and staff.is_staff else None
    if not isinstance(entry, dict):
        return None
    user = User.objects.select_related("tenant").filter(pk=entry["user"], is_active=True).first()
    if user is None or user.tenant is None or entry["until"] < time.time() or not may_view_as(request):
        request.session.pop(_ENTRY, None)
        return None
    granted = {right for right, permission in _WITH_PERMISSION.items() if staff.has_perm(permission)}
    user.lent_rights = _LENT | granted
    return View(user, staff)


def may_view_as(request: HttpRequest) -> bool:
    """Return whether the signed-in user may view the product as an agent: staff, past their second factor."""
    if not may_enter(request) or must_set_up_factor(request):
        return False
    user: Any = request.user
    return bool(user.has_perm("tenants.view_as_user"))
