"""Row-level security on tenants' tables, as a migration operation: the net below the scoped managers."""

from __future__ import annotations

from typing import Final

from django.db.migrations import RunSQL

#: A row shows to its tenant, and to all-tenants work that says so; without a scope no row shows.
_VISIBLE: Final = "current_setting('partner_engine.tenant', true) IN (tenant_id::text, '*')"


def row_level_security(table: str) -> RunSQL:
    """Return the operation that puts the policy on ``table``; it binds the table's owner too."""
    return RunSQL(
        sql=[
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant_scope ON {table} USING ({_VISIBLE}) WITH CHECK ({_VISIBLE})",
        ],
        reverse_sql=[
            f"DROP POLICY tenant_scope ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ],
        hints={"tenant": True},
    )
