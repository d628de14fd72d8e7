"""Sets the actor and the tenant of a request: ``request.actor``, ``request.tenant`` and the tenant of all queries.

API clients are known only after their token is read: ``partner_engine.api.http.authentication`` then calls ``act_as``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars

from partner_engine.active_users import API_CLIENT, note_request
from tenants.access import Actor
from tenants.current_actor import set_actor_without_reset, use_actor
from tenants.current_tenant import across_tenants, set_tenant_without_reset, use_tenant, without_tenant
from tenants.models import Tenant, User

ADMIN: Final = "/admin/"
#: The session keys of a staff member's choice: a tenant's id, or the alias of a database for all its tenants.
CHOSEN_TENANT: Final = "chosen_tenant"
CHOSEN_DATABASE: Final = "chosen_database"


class TenancyMiddleware:
    """Sets the tenant of the user for the length of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request`` for the tenant of its user."""
        user: User | AnonymousUser = request.user
        request.actor = request.tenant = None  # type: ignore[attr-defined]
        with without_tenant(), use_actor(None):
            if isinstance(user, AnonymousUser) or not user.is_authenticated:
                return self.get_response(request)
            source = "admin" if request.path.startswith(ADMIN) else "web"
            _set_actor(request, user.as_actor(source=source), user.tenant)
            if not hasattr(request, "viewed_by"):
                note_request(user.tenant, role=user.role, identity=str(user.pk))
            with _tenant_scope(request, user):
                return self.get_response(request)


def act_as(request: HttpRequest, *, actor: Actor, tenant: Tenant) -> None:
    """Set actor and tenant until the request ends."""
    _set_actor(request, actor, tenant)
    if actor.type == API_CLIENT:
        # Users were recorded at the start of the request.
        note_request(tenant, role=API_CLIENT, identity=actor.id)
    set_tenant_without_reset(tenant)


def _set_actor(request: HttpRequest, actor: Actor, tenant: Tenant | None) -> None:
    request.actor = actor  # type: ignore[attr-defined]
    request.tenant = tenant  # type: ignore[attr-defined]
    set_actor_without_reset(actor)
    bind_contextvars(actor=f"{actor.type}:{actor.id}", tenant=tenant.code if tenant else "")


def _tenant_scope(request: HttpRequest, user: User) -> AbstractContextManager[object]:
    """Return the tenant scope of ``user``.

    Staff in the admin have the tenant that they chose, at first all tenants of the shared database; elsewhere none.
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
