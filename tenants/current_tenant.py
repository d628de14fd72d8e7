"""The current tenant of a unit of work, which decides the visible rows.

It is in a context variable: it follows async code, and every thread starts without one. Imports no model, because the
database backend reads it while Django starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tenants.models import Tenant

#: The marker for row-level security while rows of all tenants of one database are shown.
ALL_TENANTS: Final = "*"


class Scope:
    """The visible rows: one tenant's, or (``tenant`` None) those of all tenants in the database ``alias``."""

    __slots__ = ("alias", "marker", "tenant")

    def __init__(self, tenant: Tenant | None, alias: str) -> None:
        self.tenant = tenant
        self.alias = alias
        #: The marker that row-level security compares with ``tenant_id``.
        self.marker = str(tenant.id) if tenant else ALL_TENANTS


scope_variable: ContextVar[Scope | None] = ContextVar("tenant_scope", default=None)


def current_scope() -> Scope | None:
    """Return the scope in force, None outside of any."""
    return scope_variable.get()


class NoTenant(Exception):
    """Rows of a tenant were queried while no tenant is current: wrap the work in ``use_tenant(tenant)``."""

    def __init__(self) -> None:
        super().__init__("No tenant is current; wrap the work in use_tenant(tenant), or in across_tenants(using=...).")


def current_tenant() -> Tenant:
    """Return the current tenant. Raises ``NoTenant``."""
    scope = current_scope()
    if scope is None or scope.tenant is None:
        raise NoTenant
    return scope.tenant


class _TenantBlock:
    """A block of ``use_tenant``; a generator would take twice as long."""

    __slots__ = ("_tenant", "_token")

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def __enter__(self) -> Tenant:
        tenant = self._tenant
        self._token = scope_variable.set(Scope(tenant, tenant.database_alias))
        return tenant

    def __exit__(self, *error: object) -> None:
        scope_variable.reset(self._token)


def use_tenant(tenant: Tenant) -> AbstractContextManager[Tenant]:
    """Make ``tenant`` the current one inside the block: queries return its rows, from its database."""
    return _TenantBlock(tenant)


def set_tenant_without_reset(tenant: Tenant) -> None:
    """Make ``tenant`` the current one for the rest of a request whose tenant is known only after its start.

    Call it inside a ``without_tenant()`` or ``use_tenant()`` block, which restores the former scope at its end.
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
    """Leave the current scope inside the block; queries for rows of a tenant then raise."""
    token = scope_variable.set(None)
    try:
        yield
    finally:
        scope_variable.reset(token)
