"""The scope in force: which tenant's rows may be seen.

Kept apart from models, for the database backend reads it while Django starts.
"""

from __future__ import annotations

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
