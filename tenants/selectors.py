"""Selectors of tenants and of their users."""

from __future__ import annotations

from uuid import UUID

from django.db import connections
from django.db.models import QuerySet

from tenants.models import Tenant, User


def reachable_tenants() -> list[Tenant]:
    """Return the tenants whose database this process is connected to, by code."""
    return [tenant for tenant in Tenant.objects.order_by("code") if tenant.database_alias in connections]


def list_colleagues(*, tenant: Tenant) -> QuerySet[User]:
    """Return the active users of the tenant, by name."""
    return User.objects.filter(tenant=tenant, is_active=True).order_by("full_name", "email")


def find_colleague(user_id: UUID | str, *, tenant: Tenant) -> User | None:
    """Return the active user of the tenant with this id, None for any other id."""
    try:
        identity = user_id if isinstance(user_id, UUID) else UUID(user_id)
    except ValueError:
        return None
    return list_colleagues(tenant=tenant).filter(pk=identity).first()
