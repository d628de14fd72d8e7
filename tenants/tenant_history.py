"""The history of a tenant's own rows: it lives where they do."""

from __future__ import annotations

from tenants.history import HistoryRow
from tenants.managers import TenantModel


class TenantHistoryRow(HistoryRow, TenantModel):
    """The author of a change of a tenant's row, in the tenant's database and under its row-level security."""

    class Meta:
        abstract = True
