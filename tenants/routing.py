"""The database of a model's rows: a tenant's rows in the tenant's database, all others in the shared one."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from tenants.current_tenant import current_scope
from tenants.managers import TenantModel


class TenantRouter:
    """Routes a ``TenantModel`` to the current scope's database, any other model to the shared one."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        """Return the alias to read ``model`` from; the managers refuse a tenant's model without a scope."""
        scope = current_scope()
        return scope.alias if scope and issubclass(model, TenantModel) else DEFAULT_DB_ALIAS

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        """Return the alias to write ``model`` to."""
        return self.db_for_read(model, **hints)

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        """Allow relations inside one kind only: there is no foreign key between a tenant's row and a shared one."""
        return isinstance(one, TenantModel) is isinstance(other, TenantModel)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """Keep shared tables out of tenants' own databases.

        SQL for a tenant's tables carries the hint ``tenant=True``.
        """
        if db == DEFAULT_DB_ALIAS:
            return True
        if model_name is None:
            return bool(hints.get("tenant"))
        try:
            return issubclass(apps.get_model(app_label, model_name), TenantModel)
        except LookupError:
            return False
