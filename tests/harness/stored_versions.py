"""The stored version of a copy, read with one query and without the API."""

from __future__ import annotations

from copies.models import Copy
from tenants.current_tenant import across_tenants


def version_of(copy_id: object) -> int:
    """Return the version that the shared database has of a copy of any tenant."""
    with across_tenants(using="default"):
        return Copy.objects.values_list("version", flat=True).get(pk=copy_id)
