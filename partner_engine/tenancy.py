"""Makes a request's tenant the current one, and tells a request's actor and address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final
from uuid import UUID

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponseBase

from tenants.models import Tenant, User
from tenants.scoping import across_tenants, use_tenant

#: Session keys under which staff keep the tenant, or the database, that they look at.
STAFF_TENANT: Final = "staff_tenant"
STAFF_DATABASE: Final = "staff_database"


class TenantMiddleware:
    """Puts a request of a signed-in agent under their tenant, and one of staff under what they chose to look at. API tokens are read by the API itself."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request in its scope."""
        if self._is_async:
            return self._answer_async(request)
        with scope_of(request):
            return self._get_response(request)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        with await sync_to_async(scope_of)(request):
            return await self._get_response(request)  # type: ignore[misc]


def scope_of(request: HttpRequest) -> AbstractContextManager[object]:
    """Return the scope of a session's request: an agent's tenant; for staff the tenant of their choice, else all tenants of one database."""
    user = request.user
    if not isinstance(user, User):
        return nullcontext()
    if user.tenant is not None:
        return use_tenant(user.tenant)
    if not user.is_staff or not request.path.startswith("/admin/"):
        return nullcontext()
    chosen = staff_tenant(request)
    return use_tenant(chosen) if chosen else across_tenants(using=staff_database(request))


def staff_tenant(request: HttpRequest) -> Tenant | None:
    """Return the tenant that staff chose to look at, None for all of one database."""
    chosen = request.session.get(STAFF_TENANT)
    return Tenant.objects.filter(id=UUID(chosen)).first() if chosen else None


def staff_database(request: HttpRequest) -> str:
    """Return the alias of the database that staff look at while they chose no tenant."""
    alias = request.session.get(STAFF_DATABASE, DEFAULT_DB_ALIAS)
    return alias if alias in connections else DEFAULT_DB_ALIAS


def client_address(request: HttpRequest) -> str:
    """Return the caller's address: the peer's, or what the outermost of our own proxies saw. What else X-Forwarded-For says is the caller's word."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    steps = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return forwarded[-steps] if steps and len(forwarded) >= steps else peer
