"""Sets who acts and for which tenant, for the length of a request.

That is ``request.actor``, ``request.tenant`` and the scope of all queries. API clients are known only once their token
was read: ``partner_engine.api.http.authentication`` calls ``act_as`` then.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars

from partner_engine.active_users import API_CLIENT, note_active
from tenants.access import Actor
from tenants.current_tenant import across_tenants, set_tenant_without_reset, use_tenant, without_tenant
from tenants.models import Tenant, User

ADMIN: Final = "/admin/"
#: Where a staff member's choice is kept in the session: a tenant's id, or the alias of a database for all its tenants.
CHOSEN_TENANT: Final = "chosen_tenant"
CHOSEN_DATABASE: Final = "chosen_database"


class TenancyMiddleware:
    """Gives each request the scope of its user; after the request none is left."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer ``request`` within its scope."""
        user: User | AnonymousUser = request.user
        request.actor = request.tenant = None  # type: ignore[attr-defined]
        with without_tenant():
            if isinstance(user, AnonymousUser) or not user.is_authenticated:
                return self.get_response(request)
            source = "admin" if request.path.startswith(ADMIN) else "web"
            _note(request, user.as_actor(source=source), user.tenant)
            note_active(user.tenant, role=user.role, identity=str(user.pk))
            with _scope_of(request, user):
                return self.get_response(request)


def act_as(request: HttpRequest, *, actor: Actor, tenant: Tenant) -> None:
    """Let ``actor`` act for ``tenant`` until the request ends."""
    _note(request, actor, tenant)
    if actor.type == API_CLIENT:
        # Users were noted when the request came in.
        note_active(tenant, role=API_CLIENT, identity=actor.id)
    set_tenant_without_reset(tenant)


def _note(request: HttpRequest, actor: Actor, tenant: Tenant | None) -> None:
    request.actor = actor  # type: ignore[attr-defined]
    request.tenant = tenant  # type: ignore[attr-defined]
    bind_contextvars(actor=f"{actor.type}:{actor.id}", tenant=tenant.code if tenant else "")


def _scope_of(request: HttpRequest, user: User) -> AbstractContextManager[object]:
    """Return the scope of ``user``: their tenant.

    For staff in the admin it is the one they chose, at first all of the shared database; elsewhere staff have none.
    """
    if user.tenant is not None:
        return use_tenant(user.tenant)
    if not (user.is_staff and request.path.startswith(ADMIN)):
        return without_tenant()
    chosen = request.session.get(CHOSEN_TENANT)
    tenant = Tenant.objects.filter(pk=chosen).first() if chosen else None
    if tenant is not None:
        return use_tenant(tenant)
    alias = request.session.get(CHOSEN_DATABASE, DEFAULT_DB_ALIAS)
    return across_tenants(using=alias if alias in connections else DEFAULT_DB_ALIAS)
