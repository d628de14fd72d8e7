"""The current tenant of a unit of work, and the managers that show rows of that tenant alone.

The tenant is in a context variable: it follows async code, and every thread starts without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db import models

from tenants.current_tenant import Scope, current_scope, scope_variable

if TYPE_CHECKING:
    from tenants.models import Tenant

M = TypeVar("M", bound=models.Model)


class NoTenant(Exception):
    """Rows of a tenant were asked for while no tenant is current: wrap the work in ``use_tenant(tenant)``."""

    def __init__(self) -> None:
        super().__init__("No tenant is current; wrap the work in use_tenant(tenant), or in across_tenants(using=...).")


def current_tenant() -> Tenant:
    """Return the current tenant. Raises ``NoTenant``."""
    scope = current_scope()
    if scope is None or scope.tenant is None:
        raise NoTenant
    return scope.tenant


@contextmanager
def use_tenant(tenant: Tenant) -> Iterator[Tenant]:
    """Make ``tenant`` the current one: its rows are seen, in its database."""
    token = scope_variable.set(Scope(tenant, tenant.database_alias))
    try:
        yield tenant
    finally:
        scope_variable.reset(token)


def set_tenant_without_reset(tenant: Tenant) -> None:
    """Make ``tenant`` the current one for the rest of a request whose tenant is known only when it is under way.

    The caller stands inside a ``without_tenant()`` or ``use_tenant()`` block, which puts things back at its end.
    """
    scope_variable.set(Scope(tenant, tenant.database_alias))


@contextmanager
def across_tenants(*, using: str) -> Iterator[None]:
    """Show the rows of all tenants that live in the database ``using``: for staff and maintenance only."""
    token = scope_variable.set(Scope(None, using))
    try:
        yield
    finally:
        scope_variable.reset(token)


@contextmanager
def without_tenant() -> Iterator[None]:
    """Leave the current scope for a while; asking for rows of a tenant then raises."""
    token = scope_variable.set(None)
    try:
        yield
    finally:
        scope_variable.reset(token)


class TenantManager(models.Manager[M]):
    """Shows rows of the current tenant alone; raises ``NoTenant`` without one."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Return the current scope's rows."""
        scope = current_scope()
        if scope is None:
            raise NoTenant
        rows = super().get_queryset()
        return rows if scope.tenant is None else rows.filter(tenant_id=scope.tenant.id)


class TenantModel(models.Model):
    """A row that belongs to one tenant and lives in that tenant's database."""

    tenant_id = models.UUIDField("tenant", editable=False)

    objects: ClassVar[TenantManager[Any]] = TenantManager()
    unscoped_objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True
        # Django's own machinery (deletion, refresh_from_db) goes by this one; row-level security still stands.
        base_manager_name = "unscoped_objects"
