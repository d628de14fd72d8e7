"""The model base of rows that belong to one tenant, and the manager that shows the current tenant's rows only."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.db import models

from tenants.current_tenant import NoTenant, current_scope

M = TypeVar("M", bound=models.Model)


class TenantManager(models.Manager[M]):
    """A manager that returns rows of the current tenant only; it raises ``NoTenant`` without one."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Return the rows of the current scope."""
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
        # Django itself uses this one (deletion, refresh_from_db); row-level security still applies.
        base_manager_name = "unscoped_objects"
