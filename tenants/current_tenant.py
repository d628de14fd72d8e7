"""The current tenant of a unit of work, and with it the rows that may be seen.

It is in a context variable: it follows async code, and every thread starts without one. Imports no model, because the
database backend reads it while Django starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tenants.models import Tenant

#: What row-level security is told while all tenants of one database are looked at.
ALL_TENANTS: Final = "*"


class Scope:
    """Which rows may be seen: one tenant's, or (``tenant`` None) those of all tenants in the database ``alias``."""

    __slots__ = ("alias", "marker", "tenant")

    def __init__(self, tenant: Tenant | None, alias: str) -> None:
        self.tenant = tenant
        self.alias = alias
        #: What row-level security compares with ``tenant_id``.
        self.marker = str(tenant.id) if tenant else ALL_TENANTS


scope_variable: ContextVar[Scope | None] = ContextVar("tenant_scope", default=None)


def current_scope() -> Scope | None:
    """Return the scope in force, None outside of any."""
    return scope_variable.get()


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
