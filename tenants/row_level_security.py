"""Row-level security on tenants' tables, as a migration operation: the safety net below the scoped managers."""

from __future__ import annotations

from typing import Final

from django.db.migrations import RunSQL

POLICY: Final = "tenant_scope"
# Subselects are evaluated once per statement, not once per row. No value, or '', shows no row; "*" is explicit work
# on all tenants.
_SCOPE: Final = "(SELECT current_setting('partner_engine.tenant', true))"
_TENANT: Final = "(SELECT NULLIF(NULLIF(current_setting('partner_engine.tenant', true), ''), '*')::uuid)"
_VISIBLE: Final = f"tenant_id = {_TENANT} OR {_SCOPE} = '*'"


def row_level_security(table: str) -> RunSQL:
    """Return the operation that restricts reads and writes of rows of ``table`` to the tenant in scope.

    It binds the table's owner too.
    """
    return RunSQL(
        sql=[
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {POLICY} ON {table} USING ({_VISIBLE}) WITH CHECK ({_VISIBLE})",
        ],
        reverse_sql=[
            f"DROP POLICY {POLICY} ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ],
        hints={"tenant": True},
    )
